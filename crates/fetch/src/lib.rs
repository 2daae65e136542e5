//! What ksplat keeps on disk between runs; not what is in the files.

mod cache;

pub use cache::{Cache, Cached};
