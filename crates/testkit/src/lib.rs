//! Test support of the ksplat workspace: golden runner, synthetic vmlinux, log mutators.

pub mod golden;
mod logs;
pub mod mutate;
mod places;
mod vmlinux;

pub use logs::{Log, files, labelled_logs, logs};
pub use places::{shared, shared_or_skip, vmlinux_or_skip, workspace_root};
pub use vmlinux::{Call, Function, Inline, Symbol, SymbolKind, Vmlinux};
