//! The commit that git shows after `is the first bad commit`, and the errors of a failed job.

use crate::log::{Culprit, Text};

/// Adds one line of the shown commit, by the name of its template.
pub(crate) fn read<'a, 'l>(
    culprit: &mut Culprit<'a>,
    template: &str,
    holes: &[&'l str],
    text: impl Fn(&'l str) -> Text<'a>,
) {
    let hole = |index: usize| holes.get(index).copied().unwrap_or_default();
    match template {
        "commit-merge" => culprit.merge = hole(0).split(' ').map(text).collect(),
        "commit-date" => culprit.date = Some(text(hole(0))),
        "commit-message" if culprit.title.is_empty() => culprit.title = text(hole(0)),
        "commit-message" => culprit.message.push(text(hole(0))),
        "commit-file" => culprit.files.push(text(renamed(hole(0).trim()))),
        "commit-raw" => {
            let path = hole(4).split('\t').next_back().unwrap_or_default();
            culprit.files.push(text(path));
        }
        "commit-files" | "commit-file-one" => {
            let count = |word: &str| {
                let part = hole(1).split(',').find(|part| part.contains(word));
                part.and_then(|part| part.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
            };
            culprit.changed = hole(0).parse().ok().map(|files| (files, count("insertion"), count("deletion")));
        }
        _ => {}
    }
}

/// The path after a rename that git writes as `old => new`; the brace form `a/{b => c}/d` stays as it is.
fn renamed(path: &str) -> &str {
    match path.split_once(" => ") {
        Some((_, to)) if !path.contains('{') => to,
        _ => path,
    }
}

/// Errors that end without a line end, so that the next attempt's error follows on the same line.
const CLOSED: &[&str] =
    &["aborting", "the crash wasn't reproduced on the original commit", "not reachable in branch 'master'"];

/// Splits a line that holds the errors of several attempts.
pub(crate) fn errors(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = CLOSED.iter().filter_map(|tail| Some(rest.find(tail)? + tail.len())).min();
        let (error, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(error)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn errors_of_several_attempts_are_split() {
        let line = "bisection is taking too long (>8h0m0s), abortingthe crash wasn't reproduced on the original \
                    commitkernel clean failed: x";
        let errors: Vec<_> = super::errors(line).collect();
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert_eq!(errors[2], "kernel clean failed: x");
    }
}
