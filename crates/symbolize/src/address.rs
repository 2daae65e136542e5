//! Run-time addresses and the one place where they meet link addresses.

/// An address as a running kernel printed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeAddr(pub u64);

/// By how many bytes the kernel was moved at boot (`Kernel Offset: 0x8c00000 from 0xffffffff81000000`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KaslrOffset(pub u64);

impl RuntimeAddr {
    /// The address that the kernel was linked for at this place.
    pub(crate) fn linked(self, KaslrOffset(by): KaslrOffset) -> Option<u64> {
        self.0.checked_sub(by)
    }
}
