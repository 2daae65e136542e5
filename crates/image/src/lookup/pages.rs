//! Which addresses are near some others, as a filter in front of comparing them.

/// Bytes of a page.
const PAGE: u64 = 4096;
/// Pages behind a start that are looked at; few functions are longer.
const REACH: u64 = 4;
/// Bits of the set; pages so far apart share one.
const BITS: u64 = 1 << 13;

/// The pages behind some addresses.
pub(super) struct Pages {
    bits: [u64; (BITS / 64) as usize],
}

impl Pages {
    /// Those of the addresses themselves and the next ones.
    pub(super) fn behind(starts: &[u64]) -> Pages {
        let mut bits = [0; (BITS / 64) as usize];
        for page in starts.iter().flat_map(|start| (0..REACH).map(move |n| (start / PAGE).wrapping_add(n))) {
            bits[(page % BITS / 64) as usize] |= 1 << (page % 64);
        }
        Pages { bits }
    }

    /// Whether all of what lies between two addresses is in the pages of the first.
    pub(super) fn reach(start: u64, end: u64) -> bool {
        (end / PAGE).wrapping_sub(start / PAGE) < REACH
    }

    /// Whether an address may lie in one of them.
    pub(super) fn contain(&self, flat: u64) -> bool {
        let page = flat / PAGE;
        self.bits[(page % BITS / 64) as usize] & 1 << (page % 64) != 0
    }
}
