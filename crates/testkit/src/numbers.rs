//! Numbers that are the same ones in every run.

/// A small generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// The next number, below `limit`, which counts as 1 if it is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (finish(self.0) % limit.max(1) as u64) as usize
    }
}

/// A number that depends on a seed and a text.
pub(crate) fn mixed(seed: u64, text: &[u8]) -> u64 {
    finish(text.iter().fold(seed, |state, byte| finish(state.wrapping_add(u64::from(*byte) + 1))))
}

fn finish(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
