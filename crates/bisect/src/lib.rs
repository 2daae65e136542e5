//! Bisection logs: read, shown and judged.

mod audit;
mod bug;
mod checks;
mod clock;
mod commit;
mod crash;
mod git;
mod log;
mod measure;
mod next;
mod overlap;
mod read;
mod revision;
mod runs;
mod silence;
mod stamp;
mod template;
mod text;
mod verdict;
mod view;
mod weights;
mod words;

pub use audit::{Audit, Context, Finding, Quote, Trust, audit};
pub use clock::Clock;
pub use crash::{CrashReport, CrashTrace};
pub use git::GitFacts;
pub use log::*;
pub use measure::{Measure, measures};
pub use next::NextTest;
pub use revision::*;
pub use silence::Silence;
pub use stamp::Stamp;
pub use template::{Foreign, template_names, template_texts};
pub use verdict::{Counts, Judgement, Rule};
