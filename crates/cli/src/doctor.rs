//! `ksplat doctor`: which kernel, modules and index are found for a log, and where they were looked for.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ksplat::Decoder;
use ksplat::image::Image;
use ksplat::symbolize::{Choice, Paths};
use ksplat::trace::{Boot, Boots, Build};

use crate::args::Shared;
use crate::index::{cache, key_of, open_index};
use crate::kernel::{Kernel, Kernels, Tried, Verdict};
use crate::output::{Outcome, Output, printable, reason};

/// Bytes of a log that are looked at.
const MOST: u64 = 64 << 20;

/// Runs the command on logs, or without any on the kernel that runs here.
pub fn run(shared: &Shared, paths: &[PathBuf], output: &Output) -> io::Result<Outcome> {
    let kernels = Kernels::new(shared, output);
    let mut results = output.results();
    let mut found = false;
    if paths.is_empty() {
        let boot = Boot { build: running(), offset: None };
        let kernel = kernels.of(&boot);
        examine(&kernels, &kernel, &boot, &BTreeSet::new(), &mut results)?;
        found = kernel.path().is_some();
    }
    for path in paths {
        let mut log = Vec::new();
        let read = if path.as_os_str() == "-" {
            io::stdin().lock().take(MOST).read_to_end(&mut log)
        } else {
            File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut log))
        };
        if let Err(error) = read {
            output.error(path, &reason(&error));
            continue;
        }
        writeln!(results, "{}", printable(&path.to_string_lossy()))?;
        for (part, boot) in Boots::default().next(&log) {
            let kernel = kernels.of(&boot);
            let modules = modules_of(&log[part]);
            examine(&kernels, &kernel, &boot, &modules, &mut results)?;
            found |= kernel.path().is_some();
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no kernel found", shared.quiet))
}

/// Modules that frames name, each with the build-id that it has there.
fn modules_of(text: &[u8]) -> BTreeSet<(String, Option<String>)> {
    let tokens = Decoder::default().tokens(text);
    let named = tokens.iter().filter_map(|token| {
        let frame = token.found.frame;
        Some((frame.module?.to_owned(), frame.build_id.map(str::to_owned)))
    });
    named.collect()
}

/// The kernel that runs on this machine.
fn running() -> Build {
    let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned());
    Build { banner: read("/proc/version"), release: read("/proc/sys/kernel/osrelease"), ..Build::default() }
}

fn examine(
    kernels: &Kernels<'_>,
    kernel: &Kernel<'_>,
    boot: &Boot,
    modules: &BTreeSet<(String, Option<String>)>,
    out: &mut impl Write,
) -> io::Result<()> {
    let build = kernels.released(&boot.build);
    let Build { banner, release, version, build_id } = &build;
    let said = |out: &mut dyn Write, name: &str, value: &Option<String>| {
        value.as_ref().map_or(Ok(()), |value| writeln!(out, "  {name:<9} {}", printable(value)))
    };
    writeln!(out, "kernel {}", release.as_deref().map_or("that the log does not name".into(), printable))?;
    said(out, "version", if banner.is_some() { banner } else { version })?;
    said(out, "build-id", build_id)?;
    if let Some(offset) = boot.offset {
        writeln!(out, "  moved by  {offset:#x}")?;
    }
    let (tried, choice) = kernels.tried(&build);
    show(out, "image", &tried, choice)?;
    if let Some((path, image)) = kernel.path().zip(taken(&tried, choice)) {
        index(out, path, image)?;
    }
    if !modules.is_empty() {
        for directory in kernel.module_directories() {
            let state = if directory.is_dir() { "searched" } else { "not there" };
            writeln!(out, "  modules   {}: {state}", printable(&directory.to_string_lossy()))?;
        }
    }
    for (name, build_id) in modules {
        let (tried, choice) = kernel.tried_module(name, build_id.as_deref());
        if tried.is_empty() {
            writeln!(out, "  module    {}: no file of that name", printable(name))?;
        }
        show(out, "module", &tried, choice)?;
    }
    Ok(())
}

fn taken(tried: &[Tried], choice: Choice) -> Option<&'static Image<'static>> {
    if let Choice::One(number) = choice { tried[number].image().map(|opened| &opened.image) } else { None }
}

/// A line for each file that was looked at.
fn show(out: &mut impl Write, what: &str, tried: &[Tried], choice: Choice) -> io::Result<()> {
    for (number, Tried { path, verdict }) in tried.iter().enumerate() {
        let path = path.to_string_lossy();
        write!(out, "  {what:<9} {}: ", printable(&path))?;
        match verdict {
            Verdict::Missing => writeln!(out, "not there")?,
            Verdict::NotRead => writeln!(out, "not read")?,
            Verdict::Unreadable(why) => writeln!(out, "{}", printable(why))?,
            Verdict::Read { image, identity } => {
                let taken = if choice == Choice::One(number) { "taken: " } else { "" };
                let lines = if image.image.has_debug_info() { "with" } else { "without" };
                let symbols = image.image.symbol_count();
                let identity = identity.to_string();
                writeln!(out, "{taken}{}, {symbols} symbols, {lines} debug information", printable(&identity))?;
            }
        }
    }
    if let Choice::Ambiguous(count) = choice {
        writeln!(out, "  {what:<9} {count} files may be it, and nothing tells which")?;
    }
    Ok(())
}

fn index(out: &mut impl Write, path: &Path, image: &Image<'_>) -> io::Result<()> {
    let Some(cache) = cache() else {
        return writeln!(out, "  index     none: neither XDG_CACHE_HOME nor HOME names a directory");
    };
    let key = key_of(path, image);
    let state = if open_index(&cache, &key, &Paths::Short).is_some() { "there" } else { "not made" };
    let file = cache.dir().join(&key);
    writeln!(out, "  index     {}: {state}", printable(&file.to_string_lossy()))
}
