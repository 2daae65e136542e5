//! `ksplat index`, and where every command finds or makes the index of an image.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use fetch::Cache;
use ksplat::image::Image;
use ksplat::symbolize::Paths;
use ksplat::symbolize::index::Index as SymbolIndex;

use crate::kernel_file::{KernelFile, kernel_files};
use crate::mmap::map;
use crate::output::{Outcome, Output, reason};

/// Which indexes to build, show or drop.
#[derive(Debug, clap::Args)]
#[command(after_help = "Indexes are kept in $XDG_CACHE_HOME/ksplat/index, else ~/.cache/ksplat/index.\n\n\
                        Examples:\n  ksplat index /usr/lib/debug/boot\n  ksplat index --list\n  ksplat index --prune --limit 200")]
pub struct Index {
    /// Show the indexes that are there: key, MiB, when last used (seconds since 1970)
    #[arg(long, conflicts_with_all = ["prune", "images"])]
    pub list: bool,
    /// Drop those used longest ago until the rest fits the limit
    #[arg(long, conflicts_with = "images")]
    pub prune: bool,
    /// What all indexes together may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub limit: u64,
    /// Kernels, modules, or directories of them
    #[arg(value_name = "IMAGE", required_unless_present_any = ["list", "prune"])]
    pub images: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(command: &Index, output: &Output) -> io::Result<Outcome> {
    let Some(cache) = cache().map(|cache| cache.limited_to(command.limit.saturating_mul(1 << 20))) else {
        output.note(&"neither XDG_CACHE_HOME nor HOME names a directory");
        return Ok(Outcome::Failed);
    };
    let mut results = output.results();
    let mut found = false;
    if command.list || command.prune {
        let files = if command.list { cache.list()? } else { cache.prune()? };
        for file in files {
            let used = file.used.duration_since(UNIX_EPOCH).map_or(0, |used| used.as_secs());
            writeln!(results, "{}  {:.1} MiB  {used}", file.key, file.size as f64 / f64::from(1 << 20))?;
            found = true;
        }
        results.flush()?;
        return Ok(output.finish(found, "no symbol index", false));
    }
    for path in kernel_files(&command.images, output) {
        match ahead(&path, &cache) {
            Ok(line) => {
                writeln!(results, "{line}  {}", path.display())?;
                found = true;
            }
            Err(why) => output.error(&path, &why),
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no kernel image", false))
}

/// Makes the index of one image, if it is not there.
fn ahead(path: &Path, cache: &Cache) -> Result<String, String> {
    let bytes = KernelFile::open(path)?;
    let image = Image::parse(&bytes).map_err(|error| error.to_string())?;
    let key = key_of(path, &image);
    if open_index(cache, &key, &Paths::Short).is_some() {
        return Ok(format!("{key}  there"));
    }
    let made = ksplat::build_index(&image, &key).map_err(|miss| miss.to_string())?;
    cache.put(&key, &made).map_err(|error| format!("{}: {}", cache.dir().display(), reason(&error)))?;
    Ok(format!("{key}  made"))
}

/// The cache of indexes.
pub fn cache() -> Option<Cache> {
    Cache::of_user("index", "ksplatix")
}

/// What an image's index is kept under: the build-id, else a digest of the file's path, size and time.
pub fn key_of(path: &Path, image: &Image<'_>) -> String {
    if let Some(build_id) = image.build_id() {
        return build_id.to_string().chars().take(64).collect();
    }
    let mut what = path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    if let Ok(metadata) = path.metadata() {
        let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        // Writing to a string does not fail.
        let _ = write!(what, "\0{}\0{}", metadata.len(), time.map_or(0, |time| time.as_nanos()));
    }
    format!("file-{}", &blake3::hash(what.as_bytes()).to_hex()[..40])
}

/// The index under a key, if there is one that can be believed.
pub fn open_index(cache: &Cache, key: &str, paths: &Paths) -> Option<SymbolIndex<'static>> {
    let bytes = map(&cache.find(key)?).ok()?;
    SymbolIndex::with_paths(bytes, key, paths).ok()
}
