//! Links from places of source to an editor or to a browser of the kernel's source.

use std::fmt::Write as _;
use std::path::Path;

use ksplat::symbolize::Call;
use ksplat::trace::Build;

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Link {
    /// The file below --source in Visual Studio Code
    Vscode,
    /// The file in Elixir
    Elixir,
    /// The file in the stable tree's cgit
    Cgit,
}

impl Link {
    /// The address of a call's line; none where its file or line is not known or lies outside of the kernel's tree.
    pub(super) fn url(self, call: &Call<'_>, tag: &str, source: Option<&Path>) -> Option<String> {
        let (file, line) = (call.file.as_deref()?, call.line?);
        if self == Link::Vscode {
            let path = source.map_or_else(|| Path::new(file).to_owned(), |source| source.join(file));
            let path = path.canonicalize().unwrap_or(path);
            return path.is_absolute().then(|| format!("vscode://file{}:{line}", escaped(&path.to_string_lossy())));
        }
        if file.starts_with('/') || file.split('/').any(|part| part == "..") {
            return None;
        }
        let file = escaped(file);
        Some(match self {
            Link::Cgit => format!(
                "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/{file}?h={}#n{line}",
                escaped(tag)
            ),
            _ => format!("https://elixir.bootlin.com/linux/{}/source/{file}#L{line}", escaped(tag)),
        })
    }
}

/// The tag of a kernel's source: `v6.12.117`, `v6.13-rc3`; `master` where the log names no release.
///
/// The third number of Debian's and Ubuntu's releases is 0; Debian's package in the version line has the right one.
pub(super) fn tag(build: &Build) -> String {
    let versions = [build.banner.as_deref(), build.version.as_deref()];
    let debian =
        versions.into_iter().flatten().find_map(|text| text.split_once(" Debian ")).map(|(_, package)| package);
    let Some(release) = debian.or(build.release.as_deref()) else { return "master".to_owned() };
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (numbers, rest) = release.split_at(release.find(|c| !is_number(c)).unwrap_or(release.len()));
    let numbers = match numbers.split('.').count() {
        3 => numbers.strip_suffix(".0").unwrap_or(numbers),
        _ => numbers,
    };
    let candidate = rest.strip_prefix("-rc").or_else(|| rest.strip_prefix("~rc"));
    let candidate = candidate.and_then(|rc| rc.split(|c: char| !c.is_ascii_digit()).next()).filter(|n| !n.is_empty());
    candidate.map_or_else(|| format!("v{numbers}"), |n| format!("v{numbers}-rc{n}"))
}

/// A text for a path of an URL.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'+' => {
                escaped.push(char::from(byte))
            }
            // Writing to a string does not fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(file: &str) -> Call<'static> {
        Call { function: "f".into(), file: Some(file.into()), line: Some(12), inlined: false }
    }

    #[test]
    fn links_lead_to_the_line() {
        let url = |link: Link, file: &str| link.url(&call(file), "v6.12.1", Some(Path::new("/no/src")));
        let browsed = "https://elixir.bootlin.com/linux/v6.12.1/source/net/core/dev.c#L12";
        assert_eq!(url(Link::Elixir, "net/core/dev.c").as_deref(), Some(browsed));
        let tree = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/a%20b%1B.c?h=v6.12.1#n12";
        assert_eq!(url(Link::Cgit, "a b\u{1b}.c").as_deref(), Some(tree));
        assert_eq!(url(Link::Vscode, "net/a.c").as_deref(), Some("vscode://file/no/src/net/a.c:12"));
        assert_eq!(Link::Vscode.url(&call("net/a.c"), "", None), None);
        assert_eq!(url(Link::Elixir, "/home/me/mod.c"), None);
        assert_eq!(url(Link::Elixir, "../mod.c"), None);
        assert_eq!(Link::Cgit.url(&Call { line: None, ..call("a.c") }, "", None), None);
    }

    #[test]
    fn tags_are_those_of_the_kernels_tree() {
        for (release, version, want) in [
            (Some("6.12.117-crashdbg"), None, "v6.12.117"),
            (Some("6.13.0-rc3-00012-gabcdef"), None, "v6.13-rc3"),
            (Some("6.1.0-50-cloud-amd64"), Some("#1 SMP Debian 6.1.176-1 (2026-07-02)"), "v6.1.176"),
            (Some("6.1.0-50-cloud-amd64"), None, "v6.1"),
            (Some("5.4"), None, "v5.4"),
            (None, None, "master"),
        ] {
            let [release, version] = [release, version].map(|word: Option<&str>| word.map(str::to_owned));
            assert_eq!(tag(&Build { release, version, ..Build::default() }), want);
        }
    }
}
