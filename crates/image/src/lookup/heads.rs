//! How names begin, as a filter in front of comparing them.

/// A set of how names begin: says at once that most symbols are not asked for.
pub(super) struct Heads {
    bits: [u64; 64],
}

impl Default for Heads {
    fn default() -> Heads {
        Heads { bits: [0; 64] }
    }
}

impl Heads {
    /// Adds a name.
    pub(super) fn insert(&mut self, name: &str) {
        let mut head = [0; 8];
        for (to, from) in head.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        let bit = Heads::bit(u64::from_le_bytes(head));
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    /// Whether the name at an offset of a string table may be one of them.
    pub(super) fn contain(&self, table: &[u8], offset: u32) -> bool {
        let at = offset as usize;
        // At the table's very end there may be no 8 bytes: let the comparison decide.
        let Some(head) = table.get(at..at + 8).and_then(|head| <[u8; 8]>::try_from(head).ok()) else {
            return true;
        };
        let bit = Heads::bit(until_nul(u64::from_le_bytes(head)));
        self.bits[bit / 64] & 1 << (bit % 64) != 0
    }

    fn bit(head: u64) -> usize {
        (head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
    }
}

/// The bytes before the first NUL, the others zero.
fn until_nul(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    match word.wrapping_sub(ONES) & !word & HIGH {
        0 => word,
        nuls => word & ((nuls & nuls.wrapping_neg()) >> 7).wrapping_sub(1),
    }
}
