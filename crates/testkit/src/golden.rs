//! The golden runner: a folder of inputs with their expected output beside them, one named test for each file.
//!
//! `kasan/uaf-read.log` is the input of the test `kasan/uaf-read`, `kasan/uaf-read.txt` what it has to give. A test
//! target with `harness = false` runs them:
//!
//! ```no_run
//! use testkit::golden;
//!
//! fn main() {
//!     let logs = testkit::workspace_root().join("testdata/reports");
//!     golden::main(golden::tests(&logs, "log", |log| String::from_utf8_lossy(log).to_uppercase()));
//! }
//! ```
//!
//! With `KSPLAT_GOLDEN=rewrite` in the environment (`make golden`) the expected files are written instead of compared.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;

/// The extension of expected files.
const EXPECTED: &str = "txt";

/// Runs tests as `cargo test` expects it of a target with `harness = false`, and exits.
///
/// Filters, `--list` and the other usual arguments work.
pub fn main(tests: Vec<Trial>) -> ! {
    libtest_mimic::run(&Arguments::from_args(), tests).exit()
}

/// Makes one test for each `*.<extension>` below `folder`, in the order of their names: `render` gives the output.
///
/// A missing expected file fails, unless it is rewritten; so does one without its input, and a folder without tests.
///
/// # Panics
///
/// If `KSPLAT_GOLDEN` has a value other than `rewrite`, or `extension` is that of the expected files.
pub fn tests<F>(folder: &Path, extension: &str, render: F) -> Vec<Trial>
where
    F: Fn(&[u8]) -> String + Send + Sync + 'static,
{
    assert_ne!(extension, EXPECTED, "input and expected output need two extensions");
    let mode = Mode::from_environment();
    let render = Arc::new(render);
    let cases = match cases(folder, extension) {
        Ok(cases) => cases,
        Err(why) => {
            let name = folder.display().to_string();
            return vec![Trial::test(name, || Err(why.into()))];
        }
    };
    let trial = |case: Case| {
        let render = Arc::clone(&render);
        Trial::test(case.name.clone(), move || case.run(mode, &*render).map_err(Failed::from))
    };
    cases.into_iter().map(trial).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Compare,
    Rewrite,
}

impl Mode {
    fn from_environment() -> Self {
        match std::env::var("KSPLAT_GOLDEN").as_deref() {
            Err(_) | Ok("") => Mode::Compare,
            Ok("rewrite") => Mode::Rewrite,
            Ok(other) => panic!("KSPLAT_GOLDEN is {other:?}: it may be \"rewrite\" or absent"),
        }
    }
}

/// One test: the files `<path>.<extension>` and `<path>.txt`, of which one may be missing.
#[derive(Debug)]
struct Case {
    /// The path below the folder, without extension and with `/` on every system.
    name: String,
    input: PathBuf,
    expected: PathBuf,
}

impl Case {
    fn run(&self, mode: Mode, render: &dyn Fn(&[u8]) -> String) -> Result<(), String> {
        if !self.input.exists() {
            if mode == Mode::Rewrite {
                return fs::remove_file(&self.expected).map_err(|error| error.to_string());
            }
            let (expected, input) = (self.expected.display(), self.input.display());
            return Err(format!("{expected} belongs to {input}, which is not there"));
        }
        let input = fs::read(&self.input).map_err(|error| format!("{}: {error}", self.input.display()))?;
        let actual = render(&input);
        let expected = match fs::read(&self.expected) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}: {error}", self.expected.display())),
        };
        match (mode, expected) {
            (_, Some(expected)) if expected == actual => Ok(()),
            (Mode::Rewrite, _) => fs::write(&self.expected, actual).map_err(|error| error.to_string()),
            (Mode::Compare, Some(expected)) => Err(difference(&expected, &actual, &self.expected)),
            (Mode::Compare, None) => {
                let missing = self.expected.display();
                Err(format!("{missing} is missing: `make golden` writes it, with this content:\n{actual}"))
            }
        }
    }
}

/// A unified diff, with what to do about it.
fn difference(expected: &str, actual: &str, path: &Path) -> String {
    let diff = TextDiff::from_lines(expected, actual);
    let text = diff.unified_diff().context_radius(3).header(&path.display().to_string(), "actual output").to_string();
    format!("the output differs from what is expected (`make golden` accepts it):\n{text}")
}

/// All cases below a folder, sorted by name; an error where there is none, so that a lost folder is seen.
fn cases(folder: &Path, extension: &str) -> Result<Vec<Case>, String> {
    let files = files(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let ours =
        files.into_iter().filter(|path| path.extension().is_some_and(|have| have == extension || have == EXPECTED));
    let stems: BTreeSet<_> = ours.map(|path| path.with_extension("")).collect();
    if stems.is_empty() {
        return Err(format!("{}: no *.{extension} here", folder.display()));
    }
    let case = |stem: PathBuf| {
        let parts = stem.strip_prefix(folder).unwrap_or(&stem).iter().map(|part| part.to_string_lossy());
        // `with_extension` would cut the `x` off a stem like `two.x`.
        let file = |extension: &str| {
            let mut path = stem.clone().into_os_string();
            path.push(format!(".{extension}"));
            path.into()
        };
        Case { name: parts.collect::<Vec<_>>().join("/"), input: file(extension), expected: file(EXPECTED) }
    };
    Ok(stems.into_iter().map(case).collect())
}

/// All files below a folder, in no order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("ksplat-golden-{}-{name}", std::process::id()));
            for (path, content) in files {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            Folder(folder)
        }

        fn run(&self, mode: Mode) -> Vec<(String, Result<(), String>)> {
            let cases = cases(&self.0, "log").unwrap();
            cases.iter().map(|case| (case.name.clone(), case.run(mode, &shout))).collect()
        }

        fn read(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.0.join(path)).ok()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn shout(input: &[u8]) -> String {
        String::from_utf8_lossy(input).to_uppercase()
    }

    #[test]
    fn a_test_is_called_after_its_path_and_passes_where_the_output_fits() {
        let folder =
            Folder::new("pass", &[("b/two.x.log", "a\nb\n"), ("b/two.x.txt", "A\nB\n"), ("a.log", ""), ("a.txt", "")]);
        assert_eq!(folder.run(Mode::Compare), [("a".into(), Ok(())), ("b/two.x".into(), Ok(()))]);
    }

    #[test]
    fn a_difference_a_missing_and_an_orphan_file_fail() {
        let files = [("diff.log", "a\nb\n"), ("diff.txt", "A\nX\n"), ("missing.log", "c"), ("orphan.txt", "D")];
        let folder = Folder::new("fail", &files);
        let results = folder.run(Mode::Compare);
        let message = |index: usize| results[index].1.clone().unwrap_err();
        assert_eq!(results.len(), 3);
        assert!(message(0).contains(" A\n-X\n+B\n"), "{}", message(0));
        assert!(message(1).contains("is missing") && message(1).ends_with(":\nC"), "{}", message(1));
        assert!(message(2).contains("orphan.log, which is not there"), "{}", message(2));
    }

    #[test]
    fn rewriting_makes_comparing_pass() {
        let files = [("diff.log", "a\n"), ("diff.txt", "X\n"), ("missing.log", "c"), ("orphan.txt", "D")];
        let folder = Folder::new("rewrite", &files);
        assert!(folder.run(Mode::Rewrite).iter().all(|(_, result)| result.is_ok()));
        assert_eq!(folder.read("diff.txt").as_deref(), Some("A\n"));
        assert_eq!(folder.read("missing.txt").as_deref(), Some("C"));
        assert_eq!(folder.read("orphan.txt"), None);
        assert!(folder.run(Mode::Compare).iter().all(|(_, result)| result.is_ok()));
    }

    #[test]
    fn a_folder_that_is_empty_or_not_there_is_one_failing_test() {
        let folder = Folder::new("none", &[("readme.md", "")]);
        for (path, why) in [(folder.0.clone(), "no *.log here"), (folder.0.join("missing"), "No such file")] {
            assert!(cases(&path, "log").unwrap_err().contains(why));
            assert_eq!(tests(&path, "log", shout).len(), 1);
        }
    }
}
