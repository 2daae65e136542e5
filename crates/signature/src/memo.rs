//! Answers that are remembered: the same functions return in report after report.

/// Longer names are asked for again each time.
const LONGEST: usize = 47;

/// One place for each hash, so that neither the memory nor the time of an answer depends on the input.
const SLOTS: usize = 2048;

/// Answers to one question about names.
#[derive(Debug)]
pub(crate) struct Memo<A> {
    slots: Vec<Slot<A>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot<A> {
    answer: A,
    length: u8,
    name: [u8; LONGEST],
}

impl<A: Copy + Default> Memo<A> {
    pub(crate) fn new() -> Memo<A> {
        Memo { slots: vec![Slot { answer: A::default(), length: 0, name: [0; LONGEST] }; SLOTS] }
    }

    /// What `ask` says of a name; it must always say the same.
    pub(crate) fn answer(&mut self, name: &str, ask: impl FnOnce(&str) -> A) -> A {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > LONGEST {
            return ask(name);
        }
        let slot = &mut self.slots[hash(bytes) % SLOTS];
        if slot.name[..usize::from(slot.length)] != *bytes {
            slot.answer = ask(name);
            slot.name[..bytes.len()].copy_from_slice(bytes);
            slot.length = bytes.len() as u8;
        }
        slot.answer
    }
}

fn hash(bytes: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks();
    let last = rest.iter().fold(0, |word, b| word << 8 | u64::from(*b));
    let words = words.iter().map(|word| u64::from_le_bytes(*word)).chain([last]);
    let hash = words.fold(0, |hash: u64, word| (hash.rotate_left(29) ^ word).wrapping_mul(ODD));
    (hash >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_question() {
        let mut memo = Memo::new();
        let is_even = |name: &str| name.len().is_multiple_of(2);
        for _ in 0..2 {
            for n in 0..3 * SLOTS {
                let name = "x".repeat(n % 60) + &n.to_string();
                assert_eq!(memo.answer(&name, is_even), is_even(&name), "{name}");
            }
        }
        assert_eq!((memo.answer("", |_| true), memo.answer("", |_| false)), (true, false));
    }

    #[test]
    fn a_name_is_asked_for_once() {
        let mut memo = Memo::new();
        assert!(memo.answer("dump_stack", |_| true));
        assert!(memo.answer("dump_stack", |_| unreachable!("it is known")));
        assert!(!memo.answer("dump_stac", |_| false));
    }
}
