//! A judgement as text for people.

use super::{paragraph, short};
use crate::{
    audit::{Audit, Finding, Trust},
    view::LIKELY,
};
use std::fmt::Write;

impl Audit {
    /// The judgement as text for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        if let Some(log) = &self.log {
            write!(out, "{log}: ")?;
        }
        match (self.verdict, self.probability) {
            (Some(verdict), Some(probability)) => {
                writeln!(out, "{}, right with probability {probability:.2}", verdict.word())?;
            }
            _ => writeln!(out, "no result to judge")?,
        }
        if let Some(culprit) = &self.culprit {
            writeln!(out, "culprit: {culprit}")?;
        }
        for reason in &self.reasons {
            writeln!(out, "ended: {reason}")?;
        }
        paragraph(out, "rule: ", "      ", &self.rule_reason)?;
        let (minor, findings): (Vec<_>, Vec<_>) = self.findings.iter().partition(|finding| finding.minor);
        for finding in findings {
            finding.write(out)?;
        }
        if let Some(base) = self.base {
            writeln!(out)?;
            let sum = base + self.findings.iter().map(|finding| finding.weight).sum::<f64>();
            let minor: Vec<_> =
                minor.iter().map(|finding| format!("{:+.2} {}", finding.weight, finding.kind)).collect();
            let rest =
                if minor.is_empty() { String::new() } else { format!(", less than findings ({})", minor.join(", ")) };
            paragraph(
                out,
                "odds: ",
                "      ",
                &format!("{base:+.2} at the start, the weights above{rest}: {sum:+.2} in all"),
            )?;
        }
        self.write_silences(out)?;
        if let Some(next) = &self.next {
            writeln!(out)?;
            let text = format!("test {} with {} runs: {}", next.revision, next.runs, next.reason);
            paragraph(out, "next: ", "      ", &text)?;
        }
        Ok(())
    }

    /// The verdicts that rest on silence and may well be misses.
    fn write_silences(&self, out: &mut String) -> std::fmt::Result {
        let Some(chance) = self.chance else { return Ok(()) };
        let likely: Vec<_> = self.silences.iter().filter(|silence| silence.miss >= LIKELY).collect();
        let all = match self.silences.len() {
            1 => "1 revision was judged to be without the bug".to_owned(),
            all => format!("{all} revisions were judged to be without the bug"),
        };
        let few = match likely.len() {
            0 => "none is a likely miss".to_owned(),
            few => format!("{few} may be misses"),
        };
        let text = match format!("{chance:.2}").as_str() {
            "1.00" => format!("{all}, {few}: where the bug was, every run showed it"),
            chance => {
                format!("{all}, {few}: where it was, {chance} of the runs or more showed it: (1 - {chance}) ^ runs")
            }
        };
        writeln!(out)?;
        paragraph(out, "silence: ", "      ", &text)?;
        for silence in likely {
            let runs = if silence.runs == 1 { "run" } else { "runs" };
            let (revision, count) = (short(&silence.revision), silence.runs);
            writeln!(out, "  {}: {revision}, {count} silent {runs}: {:.2}", silence.line, silence.miss)?;
        }
        Ok(())
    }
}

impl Finding {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let settled = self.at_most.map_or(String::new(), |most| format!(" (settles it: {most} at most)"));
        writeln!(out)?;
        paragraph(out, &format!("{:+.2} {}{settled}: ", self.weight, self.kind), "      ", &self.text)?;
        for quote in &self.quote {
            writeln!(out, "  {}: {}", quote.line, quote.text)?;
        }
        Ok(())
    }
}

impl Trust {
    fn word(self) -> &'static str {
        match self {
            Trust::Trust => "trust",
            Trust::Doubt => "doubt",
            Trust::Reject => "reject",
        }
    }
}
