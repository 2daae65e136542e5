//! The dependency chain of a circular report, in a form that does not depend on where the kernel came to notice the cycle.

use schemars::JsonSchema;
use serde::Serialize;

use super::lock::{Class, Lock};

/// A cycle of locks: each was taken while the one before it was held, and the first one while the last was.
///
/// The kernel prints a cycle from the dependency that closed it, which is another one in each run. Here it starts with its
/// smallest class, so that one cycle is one list. Two chains are one cycle where their [`Chain::cycle`] is equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Chain<'t> {
    /// The classes of the cycle in order, without the numbers that a kernel counts (`#2`): `&a -> &b/1 -> &a`. Absent where a part of the chain is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<String>,
    /// The locks, in the same order; as printed where a part is missing.
    pub locks: Vec<Link<'t>>,
}

/// A lock of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link<'t> {
    /// The number that the kernel printed: `-> #1`. Number 0 is the lock that the task was about to take.
    pub number: u32,
    /// The lock.
    pub lock: Lock<'t>,
    /// The stack trace that shows how it was taken while the lock before it was held, by its number in `traces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<usize>,
}

impl<'t> Chain<'t> {
    /// The chain of the links as printed: the highest number first.
    pub(super) fn new(mut printed: Vec<Link<'t>>) -> Chain<'t> {
        let whole = printed.iter().rev().zip(0..).all(|(link, number)| link.number == number);
        if !whole {
            return Chain { cycle: None, locks: printed };
        }
        printed.reverse();
        let start = least_rotation(&printed, |link| key(&link.lock.class));
        printed.rotate_left(start);
        let mut classes: Vec<String> = printed.iter().map(|link| link.lock.class.to_string()).collect();
        classes.extend(classes.first().cloned());
        Chain { cycle: Some(classes.join(" -> ")), locks: printed }
    }
}

/// What tells classes apart in every kernel.
fn key<'c>(class: &'c Class<'_>) -> (&'c str, Option<u32>) {
    (&class.class, class.subclass)
}

/// Where the smallest of all rotations starts, in linear time (Booth's problem, solved with two candidates).
fn least_rotation<'l, T, K: Ord>(list: &'l [T], key: impl Fn(&'l T) -> K) -> usize {
    let n = list.len();
    let (mut first, mut second, mut same) = (0, 1, 0);
    while first < n && second < n && same < n {
        let (a, b) = (key(&list[(first + same) % n]), key(&list[(second + same) % n]));
        match a.cmp(&b) {
            std::cmp::Ordering::Equal => {
                same += 1;
                continue;
            }
            // Whatever starts in the part that lost cannot win.
            std::cmp::Ordering::Greater => first += same + 1,
            std::cmp::Ordering::Less => second += same + 1,
        }
        if first == second {
            second += 1;
        }
        same = 0;
    }
    first.min(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(names: &[&'static str]) -> Chain<'static> {
        let link = |(n, name): (usize, &&'static str)| {
            let lock = Lock { class: Class::parse(name.as_bytes()), ..Lock::default() };
            Link { number: u32::try_from(n).expect("few"), lock, trace: None }
        };
        let mut links: Vec<_> = names.iter().enumerate().map(link).collect();
        links.reverse();
        Chain::new(links)
    }

    #[test]
    fn a_cycle_is_one_from_every_end() {
        let names = ["&b#3", "&a/1", "&c", "&a", "&b#2"];
        let cycle = chain(&names).cycle.expect("it is whole");
        assert_eq!(cycle, "&a -> &b -> &b -> &a/1 -> &c -> &a");
        for start in 0..names.len() {
            let mut turned = names;
            turned.rotate_left(start);
            assert_eq!(chain(&turned).cycle.as_deref(), Some(&*cycle));
        }
        let mut other_way = names;
        other_way.reverse();
        assert_ne!(chain(&other_way).cycle.as_deref(), Some(&*cycle));
    }

    #[test]
    fn a_chain_with_a_gap_is_no_cycle() {
        let mut links = chain(&["&a", "&b", "&c"]).locks;
        links.remove(1);
        assert_eq!(Chain::new(links).cycle, None);
    }

    #[test]
    fn the_least_rotation_is_the_smallest_of_all() {
        for bits in 0..1u32 << 8 {
            let list: Vec<u32> = (0..8).map(|n| bits >> n & 1).collect();
            let turned = |start: usize| {
                let mut list = list.clone();
                list.rotate_left(start);
                list
            };
            let best = (0..8).map(turned).min().expect("eight of them");
            assert_eq!(turned(least_rotation(&list, |n| *n)), best);
        }
    }
}
