//! Which elements of a delivery must follow each other: those of one person, and those about one message.

use std::{collections::HashMap, hash::Hash};

/// Splits `items`, each with its keys, into lanes: two items with a common key stand in one lane, in their order. An item
/// without keys has a lane of its own.
pub(crate) fn lanes<T, K: Hash + Eq>(items: Vec<(Vec<K>, T)>) -> Vec<Vec<T>> {
    let mut parent: Vec<usize> = (0..items.len()).collect();
    let mut first_with: HashMap<&K, usize> = HashMap::new();
    for (index, (keys, _)) in items.iter().enumerate() {
        for key in keys {
            let other = *first_with.entry(key).or_insert(index);
            let (a, b) = (root(&mut parent, index), root(&mut parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let roots: Vec<usize> = (0..items.len()).map(|index| root(&mut parent, index)).collect();
    let mut lanes: Vec<Vec<T>> = Vec::new();
    let mut lane_of: HashMap<usize, usize> = HashMap::new();
    for ((_, item), root) in items.into_iter().zip(roots) {
        let lane = *lane_of.entry(root).or_insert_with(|| {
            lanes.push(Vec::new());
            lanes.len() - 1
        });
        lanes[lane].push(item);
    }
    lanes
}

fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(items: &[&[char]], expected: &[&[usize]]) {
        let items = items.iter().enumerate().map(|(index, keys)| (keys.to_vec(), index)).collect();
        assert_eq!(lanes(items), expected.iter().map(|lane| lane.to_vec()).collect::<Vec<_>>());
    }

    #[test]
    fn a_common_key_makes_one_lane() {
        check(&[], &[]);
        check(&[&['a'], &['b'], &['a']], &[&[0, 2], &[1]]);
        check(&[&['a'], &['b'], &['a', 'b'], &['c']], &[&[0, 1, 2], &[3]]);
        check(&[&[], &[]], &[&[0], &[1]]);
        check(&[&['a', 'x'], &['b', 'y'], &['c'], &['y', 'c'], &['x', 'b']], &[&[0, 1, 2, 3, 4]]);
    }
}
