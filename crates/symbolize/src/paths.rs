//! Paths of source files: joined as DWARF says, cleaned, and without the directory of whoever built the kernel.
//!
//! A unit built in the source tree says `comp_dir` and relative names; with `O=` its names start with `../` or are
//! absolute; `-ffile-prefix-map` makes `comp_dir` relative; a module from outside the tree has a `comp_dir` in the
//! kernel's tree and an absolute name elsewhere.

/// How source paths are shortened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// Without the build's directories: `net/core/dev.c`, and `crashme.c` for a module from outside the tree.
    #[default]
    Short,
    /// As the debug information has them, made absolute and cleaned.
    Full,
    /// Without the first of these prefixes that a path has.
    Strip(Vec<String>),
}

/// What a unit says of itself: its directory, its name and the directories of its line table.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnitPaths {
    /// Where relative names start.
    pub(crate) comp_dir: String,
    /// Directories to cut, longest first.
    roots: Vec<String>,
}

impl Paths {
    /// The directories that this policy cuts from the paths of a unit.
    pub(crate) fn of_unit(&self, comp_dir: &str, name: &str, dirs: &[String], own: Option<&str>) -> UnitPaths {
        let comp_dir = clean(comp_dir);
        let mut roots = match self {
            Paths::Full => Vec::new(),
            Paths::Strip(prefixes) => prefixes.iter().map(|prefix| clean(prefix)).collect(),
            Paths::Short => {
                let source = source_root(&comp_dir, name, dirs);
                let own = own.map(clean).filter(|own| !within(own, &comp_dir));
                [Some(comp_dir.clone()), source, own].into_iter().flatten().collect()
            }
        };
        roots.retain(|root| !matches!(root.as_str(), "" | "/"));
        if *self == Paths::Short {
            roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        }
        UnitPaths { comp_dir, roots }
    }
}

impl Paths {
    /// What is shown of a whole path, of which `short` bytes in front are the build's directory.
    pub(crate) fn shown<'p>(&self, path: &'p str, short: usize) -> &'p str {
        let cut = match self {
            Paths::Full => 0,
            Paths::Short => short,
            Paths::Strip(prefixes) => cut(path, &prefixes.iter().map(|prefix| clean(prefix)).collect::<Vec<_>>()),
        };
        path.get(cut..).unwrap_or(path)
    }
}

impl UnitPaths {
    /// The path for a directory and a name of the line table, and how many bytes in front are not shown.
    pub(crate) fn whole(&self, dir: &str, name: &str) -> (String, usize) {
        let path = clean(&join(&join(&self.comp_dir, dir), name));
        let cut = cut(&path, &self.roots);
        (path, cut)
    }
}

/// How many bytes in front of a path are the first of these directories that it lies in.
fn cut(path: &str, roots: &[String]) -> usize {
    let root = roots.iter().find(|root| within(path, root) && !matches!(root.as_str(), "" | "/"));
    root.map_or(0, |root| path.len() - path[root.len()..].trim_start_matches('/').len())
}

/// The directory that the source tree starts in, where a unit gives it away.
fn source_root(comp_dir: &str, name: &str, dirs: &[String]) -> Option<String> {
    // O=obj inside of the tree: the compiler was called with ../net/core/dev.c.
    let ups = name.split('/').take_while(|part| *part == "..").count();
    if ups > 0 {
        return Some(clean(&join(comp_dir, &"../".repeat(ups))));
    }
    // O= with absolute names, as assembly in Debian's build: the tree is what both have in common, if a kernel's directory follows.
    if name.starts_with('/') && !within(name, comp_dir) {
        let same = comp_dir.split('/').zip(name.split('/')).take_while(|(a, b)| a == b).count();
        let root = name.split('/').take(same).collect::<Vec<_>>().join("/");
        if name.split('/').nth(same).is_some_and(is_top) {
            return Some(clean(&root));
        }
    }
    // O= outside of the tree, or a module built against headers: every unit includes <linux/…>.
    dirs.iter().find_map(|dir| clean(dir).strip_suffix("/include/linux").map(str::to_owned))
}

/// The directory that a module's own sources have in common, if they lie outside of its `comp_dir`.
pub(crate) fn common_dir(names: impl Iterator<Item = String>) -> Option<String> {
    let parent = |name: String| name.rsplit_once('/').map(|(dir, _)| dir.to_owned());
    names.filter_map(parent).reduce(|common, dir| {
        let same = common.split('/').zip(dir.split('/')).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect::<Vec<_>>().join("/")
    })
}

/// Top directories of the kernel's source.
fn is_top(part: &str) -> bool {
    const TOPS: [&str; 21] = [
        "arch", "block", "certs", "crypto", "drivers", "fs", "include", "init", "io_uring", "ipc", "kernel", "lib",
        "mm", "net", "rust", "samples", "scripts", "security", "sound", "usr", "virt",
    ];
    TOPS.contains(&part)
}

/// Whether a clean path lies in a directory.
fn within(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

fn join(dir: &str, name: &str) -> String {
    match (dir, name) {
        (_, name) if name.starts_with('/') => name.to_owned(),
        ("", name) => name.to_owned(),
        (dir, "") => dir.to_owned(),
        (dir, name) => format!("{dir}/{name}"),
    }
}

/// A path without `.`, `//` and the `..` that can be resolved.
fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(paths: &UnitPaths, dir: &str, name: &str) -> String {
        let (path, cut) = paths.whole(dir, name);
        path[cut..].to_owned()
    }

    fn short(comp_dir: &str, unit: &str, dirs: &[&str], own: Option<&str>, dir: &str, name: &str) -> String {
        let dirs: Vec<String> = dirs.iter().map(|dir| dir.to_string()).collect();
        shown(&Paths::Short.of_unit(comp_dir, unit, &dirs, own), dir, name)
    }

    #[test]
    fn the_directory_of_the_build_is_cut() {
        assert_eq!(short("/src/linux", "net/core/dev.c", &[], None, "net/core", "dev.c"), "net/core/dev.c");
        assert_eq!(
            short("/src/linux", "net/core/dev.c", &[], None, "./include/linux", "skbuff.h"),
            "include/linux/skbuff.h"
        );
    }

    #[test]
    fn a_relative_build_directory_is_cut() {
        let unit = "arch/x86/kernel/head64.c";
        assert_eq!(short("debian/build/x", unit, &[], None, "arch/x86/kernel", "head64.c"), unit);
    }

    #[test]
    fn a_build_directory_inside_or_outside_of_the_tree_is_cut() {
        let obj = "/src/linux/obj";
        assert_eq!(short(obj, "../net/core/dev.c", &[], None, "../net/core", "dev.c"), "net/core/dev.c");
        assert_eq!(short(obj, "../net/core/dev.c", &[], None, "include/generated", "a.h"), "include/generated/a.h");
        assert_eq!(short(obj, "/src/linux/arch/x86/a.S", &[], None, "/src/linux/arch/x86", "a.S"), "arch/x86/a.S");
        let dirs = ["/src/linux/net/core", "/src/linux/./include/linux"];
        assert_eq!(
            short("/obj", "/src/linux/net/core/dev.c", &dirs, None, "/src/linux/net/core", "dev.c"),
            "net/core/dev.c"
        );
    }

    #[test]
    fn the_directory_of_a_module_from_outside_is_cut() {
        let own = Some("/home/me/mod");
        assert_eq!(short("/src/linux", "/home/me/mod/a.c", &[], own, "/home/me/mod", "a.c"), "a.c");
        assert_eq!(short("/src/linux", "/home/me/mod/core/a.c", &[], own, "/home/me/mod/core", "a.c"), "core/a.c");
        assert_eq!(short("/src/linux", "/home/me/mod/a.c", &[], own, "./include/linux", "fs.h"), "include/linux/fs.h");
        let names = ["/home/me/mod/core/a.c", "/home/me/mod/main.c"];
        assert_eq!(common_dir(names.iter().map(|name| name.to_string())).as_deref(), own);
    }

    #[test]
    fn nothing_is_cut_by_halves() {
        assert_eq!(short("/src/linux", "a.c", &[], None, "/src/linux-next", "a.c"), "/src/linux-next/a.c");
        assert_eq!(clean("a/../../b/./c//d"), "../b/c/d");
        assert_eq!(clean("/../a"), "/a");
    }

    #[test]
    fn given_prefixes_replace_the_found_ones() {
        let paths = Paths::Strip(vec!["/src/".to_owned()]);
        assert_eq!(shown(&paths.of_unit("/src/linux", "a.c", &[], None), "", "a.c"), "linux/a.c");
        assert_eq!(shown(&Paths::Full.of_unit("/src/linux", "a.c", &[], None), "", "a.c"), "/src/linux/a.c");
    }
}
