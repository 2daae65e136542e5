//! What of a report says which bug it is.

/// What of a report says which bug it is, without anything that only says where and when it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// The title.
    pub title: String,
    /// The other titles of the same bug.
    pub alternatives: Vec<String>,
    /// The kind of crash; empty where none is known.
    pub kind: String,
    /// The function that the title blames.
    pub blamed: Option<String>,
    /// True where something is missing in the report.
    pub corrupted: bool,
    /// The stack traces, without doubted frames.
    pub stacks: Vec<Stack>,
    /// Source files that the report names.
    pub files: Vec<String>,
    /// Classes of the locks that the report names.
    pub locks: Vec<String>,
    /// The slab caches that the report names.
    pub caches: Vec<String>,
    /// The line of the source that complains, as `file:line` without the line.
    pub source: Option<String>,
    /// The kernel's release.
    pub release: Option<String>,
}

/// A stack trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// What it shows.
    pub role: Role,
    /// The functions, innermost first, without what compilers add to their names.
    pub functions: Vec<String>,
}

/// What a stack trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Where it crashed.
    Crash,
    /// Where the memory was allocated or its value made.
    Allocated,
    /// Where the memory was freed.
    Freed,
    /// How a lock came to depend on another.
    Chain,
    /// Anything else: other CPUs, work that was queued, the other side of a race.
    Other,
}

/// The number of a mainline release, from 0 for 4.0: kernels come every nine or ten weeks, so that the difference of two
/// numbers is a time. `None` where the text is no release of Linux 2.6.20 or later.
pub fn release_number(release: &str) -> Option<i32> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<i32>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    // The last releases of a series: 3.19, 4.20, 5.19, 6.19.
    let first = match major {
        2 => return numbers.next()?.ok().map(|minor| minor - 60).filter(|number| *number >= -40),
        3 => -20,
        4 => 0,
        5 => 21,
        6 => 41,
        7 => 61,
        _ => return None,
    };
    (minor < 60).then_some(first + minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_numbers() {
        for (release, number) in [
            ("2.6.39", Some(-21)),
            ("3.0.0", Some(-20)),
            ("4.20.0-rc1-syzkaller", Some(20)),
            ("5.0.0+", Some(21)),
            ("6.1.0-50-cloud-amd64", Some(42)),
            ("next", None),
            ("6", None),
            ("999999999999.1", None),
        ] {
            assert_eq!(release_number(release), number, "{release}");
        }
    }
}
