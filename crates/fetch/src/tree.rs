//! A directory somebody named: which kernels and modules lie below it. What it holds may be hostile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// More files than any tree of debug files has; what is behind them is not seen.
const MOST: usize = 1 << 21;
/// A module of a kernel lies some eight directories deep.
const DEEPEST: usize = 64;

/// The kernels and modules below a directory.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Kernels by path, plain ones first.
    pub(crate) kernels: Vec<PathBuf>,
    /// Modules by the name that the kernel knows them by, those with debug information first.
    pub(crate) modules: BTreeMap<String, Vec<PathBuf>>,
}

impl Tree {
    /// Walks a directory. Symbolic links are followed to files below it and to nothing else.
    pub(crate) fn walk(directory: &Path) -> Tree {
        let mut tree = Tree::default();
        // Files by build-id are looked up, not listed.
        let is_listed = |entry: &DirEntry| entry.depth() == 0 || entry.file_name() != ".build-id";
        let walk = WalkDir::new(directory).max_depth(DEEPEST).sort_by_file_name().into_iter().filter_entry(is_listed);
        for entry in walk.flatten().take(MOST) {
            let name = entry.file_name().to_string_lossy();
            let (module, is_kernel) = (module_name(&name), is_kernel_name(&name));
            if module.is_none() && !is_kernel || !is_file_within(directory, entry.path()) {
                continue;
            }
            match module {
                Some(module) => tree.modules.entry(module).or_default().push(entry.into_path()),
                None => tree.kernels.push(entry.into_path()),
            }
        }
        tree.kernels.sort_by_key(|path| is_packed(path));
        tree.modules.values_mut().for_each(|paths| paths.sort_by_key(|path| module_rank(path)));
        tree
    }
}

/// True for a file, and for a link to one below the same directory.
pub(crate) fn is_file_within(directory: &Path, path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else { return false };
    if metadata.is_file() {
        // A directory on the way may be a link too.
        return path
            .canonicalize()
            .ok()
            .zip(directory.canonicalize().ok())
            .is_some_and(|(at, top)| at.starts_with(top));
    }
    let target = path.canonicalize().ok().zip(directory.canonicalize().ok());
    target.is_some_and(|(target, top)| metadata.is_symlink() && target.starts_with(top) && target.is_file())
}

/// `vmlinux`, `vmlinux.debug`, `vmlinux-6.1.0`, `vmlinuz-6.1.0`, `bzImage`; not `vmlinux.lds` or `vmlinux.o`.
fn is_kernel_name(name: &str) -> bool {
    let plain = without_packing(name);
    let versioned = ["vmlinux-", "vmlinuz-"].iter().any(|start| plain.starts_with(start));
    versioned || matches!(plain, "vmlinux" | "vmlinux.debug" | "vmlinuz" | "bzImage")
}

/// True for a kernel that is unpacked before it can be read, which takes its time.
pub(crate) fn is_packed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    without_packing(&name).len() < name.len() || name.starts_with("vmlinuz") || name == "bzImage"
}

/// The name that the kernel knows a module's file by: `snd_hda_intel` of `snd-hda-intel.ko.xz`.
pub fn module_name(file: &str) -> Option<String> {
    let plain = without_packing(file);
    let stem = plain.strip_suffix(".ko").or_else(|| plain.strip_suffix(".ko.debug"))?;
    (!stem.is_empty()).then(|| stem.replace('-', "_"))
}

/// Debug files first, packed files last.
pub(crate) fn module_rank(path: &Path) -> u8 {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("debug") => 0,
        Some("ko") => 1,
        _ => 2,
    }
}

fn without_packing(name: &str) -> &str {
    [".gz", ".xz", ".zst", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kernels_and_modules() {
        for name in ["vmlinux", "vmlinux.debug", "vmlinux-6.1.0", "vmlinux.zst", "vmlinuz-6.1.0", "bzImage"] {
            assert!(is_kernel_name(name), "{name}");
        }
        for name in ["vmlinux.lds", "vmlinux.o", "xvmlinux", ".vmlinux.cmd", "vmlinux.map"] {
            assert!(!is_kernel_name(name), "{name}");
        }
        assert_eq!(module_name("snd-hda-intel.ko.xz").as_deref(), Some("snd_hda_intel"));
        assert_eq!(module_name("xfs.ko.debug").as_deref(), Some("xfs"));
        assert_eq!((module_name("xfs.o"), module_name(".ko")), (None, None));
    }

    #[test]
    fn debug_files_come_first_and_packed_ones_last() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a/m-x.ko.xz", "b/m_x.ko", "c/m-x.ko.debug", "d/vmlinuz-1", "e/vmlinux-2"];
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let tree = Tree::walk(folder.path());
        let below = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(below(&tree.modules["m_x"]), ["c/m-x.ko.debug", "b/m_x.ko", "a/m-x.ko.xz"]);
        assert_eq!(below(&tree.kernels), ["e/vmlinux-2", "d/vmlinuz-1"]);
    }

    #[test]
    fn links_are_followed_within_the_tree_only() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        std::fs::write(outside.path().join("vmlinux"), "").unwrap();
        std::fs::write(folder.path().join("image"), "").unwrap();
        link(&outside.path().join("vmlinux"), "vmlinux-out");
        link(outside.path(), "out");
        link(Path::new("image"), "vmlinux-in");
        link(Path::new("vmlinux-self"), "vmlinux-self");
        assert_eq!(Tree::walk(folder.path()).kernels, [folder.path().join("vmlinux-in")]);
        assert!(!is_file_within(folder.path(), &folder.path().join("out/vmlinux")));
    }
}
