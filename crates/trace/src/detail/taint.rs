//! What taints a kernel: the letters of `Tainted: G           O` and what they mean.

use schemars::JsonSchema;
use serde::Serialize;

/// A reason not to trust a kernel in every respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Taint {
    /// The flag's letter.
    pub letter: char,
    /// What it means; absent for a letter that is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
}

impl Taint {
    /// The flag of a letter.
    pub fn of(letter: char) -> Taint {
        let meaning = MEANINGS.iter().find(|(known, _)| *known == letter).map(|(_, meaning)| *meaning);
        Taint { letter, meaning }
    }
}

/// Documentation/admin-guide/tainted-kernels.rst; the letters are those of kernel/panic.c, `taint_flags`.
const MEANINGS: &[(char, &str)] = &[
    ('G', "only modules with a GPL-compatible license are loaded"),
    ('P', "a proprietary module was loaded"),
    ('F', "a module was loaded by force"),
    ('S', "the processor or system is out of specification"),
    ('R', "a module was unloaded by force"),
    ('M', "the processor reported a machine check exception"),
    ('B', "a bad page was referenced, or page flags were unexpected"),
    ('U', "userspace asked for the taint"),
    ('D', "the kernel died recently: there was an oops or BUG"),
    ('A', "an ACPI table was overridden by the user"),
    ('W', "the kernel issued a warning before"),
    ('C', "a staging driver was loaded"),
    ('I', "a workaround for a bug in the platform's firmware is applied"),
    ('O', "an out-of-tree module was loaded"),
    ('E', "an unsigned module was loaded"),
    ('L', "a soft lockup occurred before"),
    ('K', "the kernel was live patched"),
    ('X', "an auxiliary taint, which distributions define"),
    ('T', "the kernel was built with the struct randomization plugin"),
    ('N', "an in-kernel test was run"),
    ('J', "userspace used a mutating debug operation of fwctl"),
];

/// A loaded module, as `Modules linked in:` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Module<'t> {
    /// Its name.
    pub name: &'t str,
    /// The letters of what it taints the kernel with; absent where it does not.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub taint: &'t str,
    /// Absent for a module that is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ModuleState>,
}

/// What becomes of a module that is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModuleState {
    /// It is being loaded: `(+)`.
    Loading,
    /// It is being unloaded: `(-)`.
    Unloading,
}

impl<'t> Module<'t> {
    /// Reads `crashme(OE+)` (kernel/module/main.c, `module_flags`).
    pub fn parse(word: &'t str) -> Module<'t> {
        let plain = Module { name: word, taint: "", state: None };
        let Some((name, flags)) = word.strip_suffix(')').and_then(|word| word.split_once('(')) else { return plain };
        let (taint, state) = match flags.strip_suffix(['+', '-']) {
            Some(taint) if flags.ends_with('+') => (taint, Some(ModuleState::Loading)),
            Some(taint) => (taint, Some(ModuleState::Unloading)),
            None => (flags, None),
        };
        if name.is_empty() { plain } else { Module { name, taint, state } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_one_meaning() {
        for (n, (letter, _)) in MEANINGS.iter().enumerate() {
            assert!(MEANINGS[..n].iter().all(|(other, _)| other != letter), "{letter}");
        }
        assert_eq!(Taint::of('O').meaning, Some("an out-of-tree module was loaded"));
        assert_eq!(Taint::of('Q'), Taint { letter: 'Q', meaning: None });
    }

    #[test]
    fn modules_have_flags() {
        let parse = |word| {
            let Module { name, taint, state } = Module::parse(word);
            (name, taint, state)
        };
        assert_eq!(parse("xfs"), ("xfs", "", None));
        assert_eq!(parse("crashme(OE)"), ("crashme", "OE", None));
        assert_eq!(parse("crashme(OE+)"), ("crashme", "OE", Some(ModuleState::Loading)));
        assert_eq!(parse("crashme(-)"), ("crashme", "", Some(ModuleState::Unloading)));
        for odd in ["(O)", "a)", "a(", ""] {
            assert_eq!(parse(odd), (odd, "", None));
        }
    }
}
