//! Where the image of a kernel and those of its modules may lie.
//!
//! Nothing is opened: what a file is, its reader says. Releases and build-ids come from logs, and become paths only where
//! they are what they claim to be.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::tree::{Tree, is_file_within, is_packed, module_name, module_rank};

/// What is looked for, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'w> {
    /// What `uname -r` says.
    pub release: Option<&'w str>,
    /// The build-id, in hex.
    pub build_id: Option<&'w str>,
}

/// A file that may be there, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Whether there is such a file.
    pub is_there: bool,
    /// Whether it must be unpacked.
    pub is_packed: bool,
}

/// The directories that are searched.
#[derive(Debug)]
pub struct Search {
    /// Named ones, for kernels and modules.
    debug: Vec<Named>,
    /// Named ones, for modules.
    modules: Vec<Named>,
    /// What `/usr/lib/debug`, `/lib/modules` and `/boot` lie in.
    system: PathBuf,
    /// Where a build may be.
    working: PathBuf,
    /// Trees that nobody named: of releases, of builds.
    found: Mutex<HashMap<PathBuf, Arc<Tree>>>,
}

#[derive(Debug)]
struct Named {
    directory: PathBuf,
    tree: OnceLock<Tree>,
}

impl Named {
    fn new(directory: PathBuf) -> Named {
        Named { directory, tree: OnceLock::new() }
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| Tree::walk(&self.directory))
    }
}

/// Where kernels are, below the system's root; `REL` stands for the release. Those with debug information come first.
const KERNELS: [&str; 9] = [
    "usr/lib/debug/boot/vmlinux-REL",
    "usr/lib/debug/boot/vmlinux-REL.debug",
    "usr/lib/debug/lib/modules/REL/vmlinux",
    "usr/lib/debug/lib/modules/REL/vmlinux.debug",
    "lib/modules/REL/build/vmlinux",
    "lib/modules/REL/vmlinux",
    "boot/vmlinux-REL",
    "boot/vmlinuz-REL",
    "lib/modules/REL/vmlinuz",
];
/// Where modules are.
const MODULES: [&str; 2] = ["usr/lib/debug/lib/modules/REL", "lib/modules/REL"];
/// A list of modules larger than this is none.
const MAX_LIST: u64 = 16 << 20;

impl Search {
    /// Searches the directories that were named, then this machine's; a build in the working directory counts as named last.
    pub fn new(debug: Vec<PathBuf>, modules: Vec<PathBuf>, system: PathBuf) -> Search {
        let named = |paths: Vec<PathBuf>| paths.into_iter().map(Named::new).collect();
        let (debug, modules) = (named(debug), named(modules));
        Search { debug, modules, system, working: PathBuf::from("."), found: Mutex::default() }
    }

    /// The same with another working directory.
    pub fn in_directory(self, working: PathBuf) -> Search {
        Search { working, ..self }
    }

    /// The kernels below the directories that were named.
    pub fn named_kernels(&self) -> impl Iterator<Item = &Path> {
        self.debug.iter().flat_map(|named| &named.tree().kernels).map(PathBuf::as_path)
    }

    /// Where the kernel may be, the most likely first: by its build-id, below the named directories, in a build, on this system.
    pub fn kernels(&self, wanted: Wanted<'_>) -> Vec<Place> {
        let release = wanted.release.filter(|release| is_release(release));
        let mut places: Vec<Place> = self.by_build_id(wanted.build_id).collect();
        let mut named: Vec<&Path> = self.named_kernels().collect();
        // A tree of many kernels says in its names which is which.
        let says_release = |path: &Path| release.is_some_and(|release| path.to_string_lossy().contains(release));
        named.sort_by_key(|path| !says_release(path));
        places.extend(named.into_iter().map(|path| Place::new(path.to_owned(), true)));
        let build = self.working.join("vmlinux");
        places.push(Place::new(build.clone(), build.is_file()));
        if let Some(release) = release {
            let system = KERNELS.iter().map(|place| self.system.join(place.replace("REL", release)));
            places.extend(system.map(|path| Place::new(path.clone(), path.is_file())));
        }
        places
    }

    /// Where a module may be; `kernel` is the image of the kernel it is for, which may lie in a build of both.
    pub fn modules(&self, name: &str, wanted: Wanted<'_>, kernel: Option<&Path>) -> Vec<Place> {
        let name = name.replace('-', "_");
        let mut paths: Vec<PathBuf> = Vec::new();
        for named in self.modules.iter().chain(&self.debug) {
            paths.extend(named.tree().modules.get(&name).into_iter().flatten().cloned());
        }
        if let Some(release) = wanted.release.filter(|release| is_release(release)) {
            for place in MODULES {
                let tree = self.tree_at(self.system.join(place.replace("REL", release)), Tree::walk);
                paths.extend(tree.modules.get(&name).into_iter().flatten().cloned());
            }
        }
        if let Some(list) = kernel.and_then(Path::parent).map(|build| build.join("modules.order")) {
            paths.extend(self.tree_at(list, built).modules.get(&name).into_iter().flatten().cloned());
        }
        let mut places: Vec<Place> = self.by_build_id(wanted.build_id).filter(|place| place.is_there).collect();
        places.extend(paths.into_iter().map(|path| Place::new(path, true)));
        places
    }

    /// The directories in which modules are looked for.
    pub fn module_directories(&self, release: Option<&str>) -> Vec<PathBuf> {
        let named = self.modules.iter().chain(&self.debug).map(|named| named.directory.clone());
        let release = release.filter(|release| is_release(release));
        let system = MODULES.iter().filter_map(|place| Some(self.system.join(place.replace("REL", release?))));
        named.chain(system).collect()
    }

    /// The debug files of a build-id; a debug package has links by it (`.build-id/xx/yyyy.debug`).
    fn by_build_id(&self, build_id: Option<&str>) -> impl Iterator<Item = Place> {
        let hex = build_id.filter(|hex| (4..=128).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let below = hex.map(|hex| {
            let hex = hex.to_ascii_lowercase();
            format!(".build-id/{}/{}.debug", &hex[..2], &hex[2..])
        });
        let system = self.system.join("usr/lib/debug");
        let directories = self.debug.iter().map(|named| named.directory.clone()).chain([system]);
        directories.filter_map(move |directory| {
            let path = directory.join(below.as_ref()?);
            let is_there = is_file_within(&directory, &path);
            Some(Place::new(path, is_there))
        })
    }

    /// What is at a place that a log or an image led to, read once.
    fn tree_at(&self, place: PathBuf, read: impl Fn(&Path) -> Tree) -> Arc<Tree> {
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(place).or_insert_with_key(|place| Arc::new(read(place))).clone()
    }
}

impl Place {
    fn new(path: PathBuf, is_there: bool) -> Place {
        let is_packed = is_packed(&path) || module_rank(&path) == 2 && module_name(&path.to_string_lossy()).is_some();
        Place { path, is_there, is_packed }
    }
}

/// The modules of a build, by the list that it leaves (`modules.order`: `fs/xfs/xfs.o`, before 6.3 `.ko`).
fn built(list: &Path) -> Tree {
    let (mut tree, mut text) = (Tree::default(), String::new());
    let read = File::open(list).and_then(|file| file.take(MAX_LIST).read_to_string(&mut text));
    let build = list.parent().filter(|_| read.is_ok());
    for line in build.iter().flat_map(|_| text.lines()) {
        let path = Path::new(line.trim()).with_extension("ko");
        let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        let name = path.file_name().and_then(|name| module_name(name.to_str()?));
        if let (Some(build), Some(name), true) = (build, name, is_below) {
            let paths = tree.modules.entry(name).or_default();
            paths.extend(Some(build.join(path)).filter(|path| is_file_within(build, path)));
        }
    }
    tree
}

/// A release is one word, and names no directory.
fn is_release(release: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+' | b'~');
    (1..=128).contains(&release.len()) && !release.starts_with('.') && release.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AB12cd3400112233445566778899aabbccddeeff";

    fn root(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn search(folder: &tempfile::TempDir) -> Search {
        let at = |name: &str| folder.path().join(name);
        Search::new(vec![at("debug")], vec![at("ko")], at("root")).in_directory(at("build"))
    }

    fn there(folder: &tempfile::TempDir, places: Vec<Place>) -> Vec<String> {
        let there = places.into_iter().filter(|place| place.is_there);
        there.map(|place| place.path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
    }

    #[test]
    fn kernels_are_found_where_distributions_put_them() {
        let by_id = "debug/.build-id/ab/12cd3400112233445566778899aabbccddeeff.debug";
        let files = [
            by_id,
            "debug/6.2.0/vmlinux",
            "debug/z-6.1.0/vmlinux",
            "build/vmlinux",
            "root/usr/lib/debug/boot/vmlinux-6.1.0",
            "root/usr/lib/debug/lib/modules/6.1.0/vmlinux",
            "root/lib/modules/6.1.0/build/vmlinux",
            "root/boot/vmlinux-6.1.0",
            "root/boot/vmlinuz-6.1.0",
            "root/boot/vmlinuz-6.2.0",
        ];
        let folder = root(&files);
        let wanted = Wanted { release: Some("6.1.0"), build_id: Some(ID) };
        let mut want = files.to_vec();
        want.swap(1, 2);
        want.pop();
        assert_eq!(there(&folder, search(&folder).kernels(wanted)), want);
        assert_eq!(there(&folder, search(&folder).kernels(Wanted::default())), [files[1], files[2], files[3]]);
    }

    #[test]
    fn modules_are_found_by_name_with_debug_information_first() {
        let files = [
            "ko/a/snd-x.ko",
            "debug/y/snd_x.ko.debug",
            "root/usr/lib/debug/lib/modules/6.1.0/kernel/snd-x.ko",
            "root/lib/modules/6.1.0/kernel/snd-x.ko.xz",
            "build/sound/snd-x.ko",
        ];
        let folder = root(&files);
        std::fs::write(folder.path().join("build/modules.order"), "../x/snd-x.o\nfs/xfs.o\nsound/snd-x.o\n").unwrap();
        let wanted = Wanted { release: Some("6.1.0"), build_id: None };
        let kernel = folder.path().join("build/vmlinux");
        assert_eq!(there(&folder, search(&folder).modules("snd_x", wanted, Some(&kernel))), files);
        assert_eq!(there(&folder, search(&folder).modules("snd_y", wanted, Some(&kernel))), [""; 0]);
    }

    #[test]
    fn what_a_log_says_does_not_leave_the_directories() {
        let folder = root(&["root/boot/vmlinux-x", "root/x/vmlinux"]);
        for release in ["../../x", "..", "", "x/../x", "x y", "/x", "é"] {
            let wanted = Wanted { release: Some(release), build_id: Some("../../../x/vmlinux") };
            assert_eq!(there(&folder, search(&folder).kernels(wanted)), [""; 0], "{release}");
            assert_eq!(search(&folder).kernels(wanted).len(), 1, "only the build directory is left");
        }
    }
}
