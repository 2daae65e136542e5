//! Rules: whose answer counts where syzbot's is a known mistake.

/// Whose rules find and name reports. Signatures never depend on the choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rules {
    /// syzbot's: what the field shares.
    #[default]
    Syzbot,
    /// Ours, which correct syzbot's and add to them.
    Ksplat,
}
