//! The account of one report: every decision on the way to its title and its signature, in words.

use ksplat::Found;
use ksplat::signature::explain::{Decision, Fate, Tried};
use ksplat::signature::{CrashType, Explanation, Skip};
use ksplat::trace::format::{Integrity, Pick, Step};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a report is called what it is. The names are those of the NDJSON record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Account {
    /// The file.
    pub file: String,
    /// Number of the report in its file.
    pub index: usize,
    /// The name of the bug.
    pub title: String,
    /// The title before what varies was taken out, where that changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// The text that makes its line the start of a report.
    pub trigger: &'static str,
    /// The rows of the table whose shape stands in the report.
    pub rows: Vec<Row>,
    /// The way to the blamed functions of the title.
    pub walk: Vec<Made>,
    /// What kind of bug it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub crash_type: Option<&'static str>,
    /// Why it is of this type, or of none.
    pub type_reason: String,
    /// The report cannot be believed.
    pub corrupted: bool,
    /// Why it can be believed or not.
    pub corrupted_reason: &'static str,
    /// The signature.
    pub signature: String,
    /// What the signature is the digest of.
    pub plaintext: Vec<String>,
    /// What the signature's frames were chosen from.
    pub frames: Vec<Made>,
}

/// A row whose shape stands in the report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// The row's place in the source.
    pub place: String,
    /// What the kernel prints.
    pub shape: &'static str,
    /// What must stand in the report besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<&'static str>,
    /// The title that the row gives.
    pub title: &'static str,
    /// Why it did or did not name the report.
    pub fate: &'static str,
    /// It named the report.
    pub fired: bool,
}

/// A decision: what was done, with what, and why.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Made {
    /// What was done: `find`, `miss`, `read`, `retry`, `stop`, `keep`, `skip`, `enter` or `blame`.
    pub decision: &'static str,
    /// With what: a function, a line or a step.
    pub what: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Account {
    /// Explains a report.
    pub fn new(file: &str, found: &Found<'_>) -> Account {
        let title = &found.title;
        let explanation = Explanation::of(&found.splat, &found.report);
        let own_type = title.format.and_then(|format| format.row.kind);
        let type_reason = match (own_type, CrashType::known(&explanation.draft)) {
            (Some(_), _) => "the row says so".to_owned(),
            (None, Some((Some(_), start))) => format!("titles that start with `{start}` are"),
            (None, Some((None, start))) => format!("titles that start with `{start}` have none"),
            (None, None) => "no start of the title is known".to_owned(),
        };
        let wanted = match title.format.map(|format| format.row.integrity) {
            Some(Integrity::Stack) => "it has the stack trace that its row wants",
            Some(Integrity::Nothing) => "its row wants no stack trace",
            Some(Integrity::Corrupted) => "its row takes what is left over",
            None => "no row says what it has to have",
        };
        Account {
            file: file.to_owned(),
            index: found.index,
            title: title.title.clone(),
            draft: Some(explanation.draft).filter(|draft| *draft != title.title),
            trigger: found.splat.trigger.text(),
            rows: explanation.rows.iter().map(Row::new).collect(),
            walk: Made::all(&explanation.walk),
            crash_type: title.crash_type.map(|kind| kind.name()),
            type_reason,
            corrupted: title.corrupted.is_some(),
            corrupted_reason: title.corrupted.map_or(wanted, |why| why.reason()),
            signature: found.signature.to_string(),
            plaintext: found.signature.plaintext().lines().map(str::to_owned).collect(),
            frames: Made::all(&explanation.frames),
        }
    }
}

impl Row {
    fn new(tried: &Tried) -> Row {
        let row = tried.format.row;
        Row {
            place: format!("format/table.rs:{}", row.line),
            shape: row.shape,
            report: row.report,
            title: row.title,
            fired: tried.fate == Fate::Fired,
            fate: match tried.fate {
                Fate::Fired => "it names the report",
                Fate::NoReport => "what must stand in the report besides does not",
                Fate::Further => "it stands further behind",
                Fate::Later => "it stands at the same place, and later in the table",
            },
        }
    }
}

impl Made {
    fn all(decisions: &[Decision]) -> Vec<Made> {
        decisions.iter().flat_map(Made::of).collect()
    }

    fn of(decision: &Decision) -> Vec<Made> {
        let made = |decision, what: &str, why: String| Made { decision, what: what.to_owned(), why };
        vec![match decision {
            Decision::Otherwise => made("retry", "with the row's other steps", "the first ones failed".into()),
            Decision::Step(Step::Stack, Some(line)) => made("read", "a stack trace", format!("from `{}`", line.trim())),
            Decision::Step(step, Some(line)) => made("find", &wanted(*step), format!("in `{}`", line.trim())),
            Decision::Step(step, None) => made("miss", &wanted(*step), "it stands nowhere behind".into()),
            Decision::Foreign(line) => made("stop", line.trim(), "another report was printed into this one".into()),
            Decision::Candidate { function, skip: None } => made("keep", function, String::new()),
            Decision::Candidate { function, skip: Some(Skip::Bystander(line)) } => {
                made("skip", function, format!("blame/bystander.txt:{} {}", line.number, line.text))
            }
            Decision::Candidate { function, skip: Some(Skip::Reporter(line)) } => {
                made("skip", function, format!("blame/reporter.txt:{} {}", line.number, line.text))
            }
            Decision::Candidate { function, skip: Some(Skip::Entry(line)) } => {
                made("skip", function, format!("blame/entry.txt:{} {}", line.number, line.text))
            }
            Decision::Candidate { function, skip: Some(Skip::Row(text)) } => {
                made("skip", function, format!("the row's own {text}"))
            }
            Decision::Blamed { pick, printed, name, known } => {
                let (decision, list) = match pick {
                    Pick::Hang => ("skip", "waiter"),
                    Pick::First | Pick::Stall => ("enter", "anchor"),
                };
                let known = known.iter().map(|(function, line)| {
                    made(decision, function, format!("blame/{list}.txt:{} {}", line.number, line.text))
                });
                return known.chain([blamed(*pick, printed, name.as_deref())]).collect();
            }
        }]
    }
}

fn blamed(pick: Pick, printed: &str, name: Option<&str>) -> Made {
    let Some(name) = name else {
        let why = match pick {
            Pick::Stall => "no function that is left was called by an entry of blame/anchor.txt",
            Pick::First | Pick::Hang => "no function is left",
        };
        return Made { decision: "blame", what: "nothing".into(), why: why.into() };
    };
    let chosen = match pick {
        Pick::First => "the first that is kept",
        Pick::Stall => "the one below the entry into a subsystem",
        Pick::Hang => "what the task waits for",
    };
    let why = match printed.strip_suffix(name) {
        Some("") => chosen.to_owned(),
        Some(prefix) => format!("{chosen}, without its prefix {prefix}"),
        None => format!("{chosen}: {printed}"),
    };
    Made { decision: "blame", what: name.to_owned(), why }
}

fn wanted(step: Step) -> String {
    match step {
        Step::Line(shape) => format!("the shape `{shape}`"),
        Step::InstructionPointer => "the instruction pointer".into(),
        Step::Interrupted => "the instruction pointer or an interrupted function".into(),
        Step::CallTrace => "the head of a call trace".into(),
        Step::Origin => "where the value came from".into(),
        Step::Stack => "a stack trace".into(),
    }
}
