//! Bisection logs: read, shown and judged.

mod audit;
mod clock;
mod commit;
mod log;
mod measure;
mod overlap;
mod read;
mod template;
mod text;
mod verdict;
mod weights;
mod words;

pub use audit::{Audit, Finding, NextTest, Quote, Trust, audit};
pub use clock::Clock;
pub use log::*;
pub use measure::{GitFacts, Measure, measures};
pub use template::{Foreign, template_names};
pub use verdict::{Counts, Judgement, Rule};
