//! Chance from a seed.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// A generator whose numbers are the same on every machine and in every release of its crate.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// Numbers of their own for each purpose, so that a new purpose changes no other one.
    pub(crate) fn of(seed: u64, purpose: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(purpose);
        Self(chance)
    }

    /// From 0 to below `below`; 0 when that is 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        if below == 0 {
            return 0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
        let chosen = (self.0.random::<u64>() % below as u64) as usize;
        chosen
    }

    /// From `from` to below `to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = usize::try_from(to - from).unwrap_or_default();
        from + i64::try_from(self.below(span)).unwrap_or_default()
    }

    /// True `percent` times of a hundred.
    pub(crate) fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The place of one, by weight; 0 when nothing has any.
    pub(crate) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if left < *weight {
                return at;
            }
            left -= weight;
        }
        0
    }
}
