//! Bisection logs: read, shown and judged.

mod clock;
mod commit;
mod log;
mod read;
mod template;
mod text;

pub use clock::Clock;
pub use log::*;
pub use template::{Foreign, template_names};
