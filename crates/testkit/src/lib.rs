//! Test support of the ksplat workspace: golden runner, synthetic vmlinux, logs, their mutators, and hostile ones.

pub mod golden;
mod hostile;
mod logs;
pub mod mutate;
mod numbers;
mod places;
mod vmlinux;

pub use hostile::{HOSTILE, Hostile};
pub use logs::{Log, files, labelled_logs, logs, unlabelled};
pub use numbers::Numbers;
pub use places::{shared, shared_or_skip, vmlinux_or_skip, workspace_root};
pub use vmlinux::{Call, Function, Inline, Symbol, SymbolKind, Vmlinux};
