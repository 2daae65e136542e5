//! What a line of a bisection log can be: its meaning, where it may stand, and the matcher of wordings.

mod rows;

use rows::ROWS;

/// What a line says; rows of one meaning are wordings of different years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    Blank,
    Start,
    Cause,
    Fix,
    Syzkaller,
    Original,
    Testing,
    Release,
    Head,
    Compiler,
    Signature,
    AllRuns,
    Run,
    RunFailed,
    BuildFailed,
    Flaky,
    GitStart,
    GitDecision,
    Remaining,
    Next,
    Found,
    OnlySkipped,
    Candidate,
    MergeBase,
    MergeBases,
    NoMergeBase,
    ParentUntested,
    CulpritSignature,
    ParentSignature,
    ErrorProbability,
    Totals,
    Failed,
    NoResult,
    Inconclusive,
    Culprit,
    To,
    Cc,
    TipTitle,
    Crash,
    Config,
    Picked,
    Note,
    ErrorTexts,
    Foreign(Foreign),
}

/// Where text that the bisection did not write itself comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Foreign {
    /// What a compiler, linker or make said about a kernel that could not be built.
    Build,
    /// What `ssh`, `scp` or a cloud service said about a machine that could not be used.
    Machine,
    /// Words of git beside those that a bisection consists of.
    Git,
    /// The header of the commit that git calls the first bad one.
    CommitHeader,
    /// The message of that commit.
    CommitMessage,
    /// The files of that commit.
    CommitFiles,
    /// The text of the error that ended the bisection.
    Error,
    /// The crash report at the end of the log.
    Report,
}

/// Where in a log a line stands: the context that decides which foreign text may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before and between the parts.
    Top,
    /// In a test block, before its first run.
    Test,
    /// After a run whose text goes on, up to an empty line.
    Tool,
    /// After `failed building`, up to the next line of the bisection itself.
    Build,
    /// After a `git bisect` command.
    Git,
    /// After `is the first bad commit`.
    Commit,
    /// Among the commits of an inconclusive bisection.
    Candidates,
    /// After the line with the totals.
    Result,
    /// After `error:`, up to the next line of the bisection itself.
    Error,
    /// After `crash:`, to the end.
    Report,
}

/// One wording: its name, what it means, the places where it may stand, and its pattern.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) means: Means,
    places: &'static [Place],
    pattern: &'static str,
}

/// Finds the row of a line and what its holes hold; the first row that fits wins.
pub(crate) fn classify(place: Place, line: &str) -> Option<(&'static Row, Vec<&str>)> {
    let first = line.as_bytes().first();
    // Nearly all rows are left out by their first byte.
    let may_fit = |row: &&Row| match row.pattern.as_bytes().first() {
        Some(b'{') => first.is_some() || row.pattern == "{text}",
        start => start == first,
    };
    let mut rows = ROWS.iter().filter(may_fit).filter(|row| row.places.contains(&place));
    rows.find_map(|row| Some((row, matches(row.pattern, line)?)))
}

/// All names of the rows, special above general.
pub fn template_names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}

/// The texts of all wordings, between what varies in them.
pub fn template_texts() -> impl Iterator<Item = &'static str> {
    let texts = ROWS.iter().flat_map(|row| row.pattern.split(['{', '}']).step_by(2));
    texts.filter(|text| text.trim().len() > 1)
}

/// Matches a pattern of literals and holes and returns the holes' text.
///
/// `{hash}` is 40 hex digits, `{hex}` hex digits or nothing, `{n}` digits, `{f}` a decimal number, `{word}` a word
/// without blanks, `{text}` whatever stands before the first occurrence of the literal that follows.
pub(crate) fn matches<'a>(pattern: &str, line: &'a str) -> Option<Vec<&'a str>> {
    let (mut pattern, mut line, mut holes) = (pattern, line, Vec::new());
    loop {
        let Some(open) = pattern.find('{') else {
            return (pattern == line).then_some(holes);
        };
        line = line.strip_prefix(&pattern[..open])?;
        let close = open + pattern[open..].find('}')?;
        let hole = &pattern[open + 1..close];
        pattern = &pattern[close + 1..];
        let end = match hole {
            "hash" => span(line, |c| c.is_ascii_hexdigit()),
            "hex" => span(line, |c| c.is_ascii_hexdigit()),
            "n" => span(line, |c| c.is_ascii_digit()),
            "f" => span(line, |c| c.is_ascii_digit() || c == '.'),
            "word" => span(line, |c| c != ' '),
            _ => {
                let literal = &pattern[..pattern.find('{').unwrap_or(pattern.len())];
                match (literal.is_empty(), literal.len() == pattern.len()) {
                    (true, _) => line.len(),
                    // The last literal belongs to the end of the line.
                    (_, true) => line.strip_suffix(literal)?.len(),
                    _ => line.find(literal)?,
                }
            }
        };
        let wanted = match hole {
            "hash" => end == 40,
            "hex" | "text" => true,
            _ => end > 0,
        };
        if !wanted {
            return None;
        }
        holes.push(&line[..end]);
        line = &line[end..];
    }
}

fn span(line: &str, is: impl Fn(char) -> bool) -> usize {
    line.find(|c| !is(c)).unwrap_or(line.len())
}
