//! Keeps a panic of somebody else's decoder from whoever called us.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Refused;

/// Runs code that reads hostile bytes and is not ours.
///
/// Decoders reckon with numbers of the file. Where they overlook that one overflows, our release builds panic, because they check that for
/// dependencies too: the file is refused then, and whoever examines it lives on.
pub(crate) fn contain<T>(read: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    // Nothing that was half done is seen again: `read` owns what it changes.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(Refused::Unreadable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_costs_its_file_alone() {
        assert_eq!(contain(|| Ok(1)), Ok(1));
        assert_eq!(contain(|| Err::<(), _>(Refused::Bomb)), Err(Refused::Bomb));
        assert_eq!(contain(|| -> Result<(), _> { panic!("as a decoder does") }), Err(Refused::Unreadable));
    }
}
