//! What ksplat keeps on disk between runs, and where images may lie; not what is in the files.

mod cache;
mod search;
mod tree;

pub use cache::{Cache, Cached};
pub use search::{Place, Search, Wanted};
pub use tree::module_name;
