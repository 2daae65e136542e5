//! `ksplat kernel-signature`: one line a file, like `b3sum`.

mod check;
mod line;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ksplat::image::{self, Image, Signature, set_signature};
use ksplat::kernel::{self, Apart, Sources, sign};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Format, Shared};
use crate::kernel_file::{KernelFile, kernel_files, module_files};
use crate::output::{Outcome, Output, printable};

/// The kernels to sign.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ksplat kernel-signature vmlinux\n  \
                  ksplat kernel-signature --algorithm sha256 vmlinux    # as syzkaller prints it\n  \
                  ksplat kernel-signature build-a/ build-b/ > sums; ksplat kernel-signature --check sums\n  \
                  ksplat kernel-signature --with-modules /lib/modules/$(uname -r) /boot/vmlinuz-$(uname -r)\n  \
                  ksplat kernel-signature --sections vmlinux.zst\n  \
                  ksplat kernel-signature --normalized a/vmlinux b/vmlinux  # equal although lines moved?\n\n\
                  Exit status: 0 all were signed (or are as --check says), 1 a signature of --check is another one \
                  or no kernel was found, 2 an error happened.")]
pub struct KernelSignature {
    /// The digest; sha256 is what a syzkaller log shows as `kernel signature:`
    #[arg(long, value_enum, default_value_t)]
    algorithm: Algorithm,
    /// Ignore what does not change how the kernel behaves: lines, paths, build-ids, versions, addresses (needs symbols)
    #[arg(long, conflicts_with_all = ["sections", "algorithm"])]
    normalized: bool,
    /// One signature for each kernel together with all modules below DIR
    #[arg(long, value_name = "DIR", conflicts_with = "sections")]
    with_modules: Option<PathBuf>,
    /// The digest of each section as well
    #[arg(long)]
    sections: bool,
    /// Read signatures and paths from the files, and check them
    #[arg(long, conflicts_with = "sections")]
    check: bool,
    /// Kernels and modules (.gz .xz .zst .bz2 and bzImage are unpacked), or directories of them; standard input for `-`
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Digests of kernel signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// BLAKE3.
    #[default]
    Blake3,
    /// SHA-256.
    Sha256,
}

/// Files that are signed at the same time; what compressed ones unpack to is held meanwhile.
const BATCH: usize = 64;

/// Runs the command.
pub fn run(command: &KernelSignature, shared: &Shared, output: &Output) -> io::Result<Outcome> {
    let signer = Signer::new(command, output);
    if output.has_failed() {
        // A set that lacks a module has no signature.
        return Ok(Outcome::Failed);
    }
    if command.check {
        return check::run(&command.paths, &signer, shared, output);
    }
    let mut found = false;
    let mut results = output.results();
    for batch in kernel_files(&command.paths, output).chunks(BATCH) {
        let signed: Vec<_> = batch.par_iter().map(|path| signer.sign(path)).collect();
        for (path, signed) in batch.iter().zip(signed) {
            match signed {
                Ok(signed) => {
                    found = true;
                    match shared.format {
                        Format::Text => text(path, &signed, &mut results)?,
                        Format::Ndjson => ndjson(path, &signed, signer.scheme, &mut results)?,
                    }
                }
                Err(error) => output.error(path, &error),
            }
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no kernel found", shared.quiet))
}

/// What a signature is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    /// The bytes of the sections, by BLAKE3.
    Blake3,
    /// The bytes of the sections, by SHA-256, as syzkaller does it.
    Sha256,
    /// What counts of the parts, with references by name (BLAKE3).
    Normalized,
}

impl Scheme {
    const ALL: [Scheme; 3] = [Scheme::Blake3, Scheme::Sha256, Scheme::Normalized];

    /// The digest of sections and sets.
    fn digest(self) -> image::Algorithm {
        match self {
            Scheme::Sha256 => image::Algorithm::Sha256,
            Scheme::Blake3 | Scheme::Normalized => image::Algorithm::Blake3,
        }
    }

    /// What to say on the command line to have it.
    fn flag(self) -> &'static str {
        match self {
            Scheme::Blake3 => "--algorithm blake3",
            Scheme::Sha256 => "--algorithm sha256",
            Scheme::Normalized => "--normalized",
        }
    }
}

/// How files are signed.
struct Signer {
    scheme: Scheme,
    with_sections: bool,
    /// Names and signatures, where the kernels are signed together with modules.
    modules: Option<Vec<(String, Signature)>>,
}

/// A signature, and the sections' where they are wanted: name, bytes, digest.
struct Signed {
    signature: Signature,
    sections: Vec<(String, usize, Signature)>,
}

impl Signer {
    fn new(command: &KernelSignature, output: &Output) -> Signer {
        let scheme = match command.algorithm {
            _ if command.normalized => Scheme::Normalized,
            Algorithm::Blake3 => Scheme::Blake3,
            Algorithm::Sha256 => Scheme::Sha256,
        };
        let mut signer = Signer { scheme, with_sections: command.sections, modules: None };
        signer.modules = command.with_modules.as_deref().map(|directory| signer.modules_below(directory, output));
        signer
    }

    fn modules_below(&self, directory: &Path, output: &Output) -> Vec<(String, Signature)> {
        let files = module_files(directory, output);
        if files.is_empty() && !output.has_failed() {
            output.error(directory, &"no modules below it");
        }
        let sign = |(name, path): (String, PathBuf)| match self.sign(&path) {
            Ok(signed) => Some((name, signed.signature)),
            Err(error) => {
                output.error(&path, &error);
                None
            }
        };
        files.into_par_iter().filter_map(sign).collect()
    }

    /// What gives a file this signature, other than this signer. Of a set, the modules would have to be signed anew.
    fn flags_of(&self, path: &Path, signature: Signature) -> Option<String> {
        let is_it = |scheme: &Scheme| {
            let signer = Signer { scheme: *scheme, with_sections: false, modules: None };
            signer.sign(path).is_ok_and(|signed| signed.signature == signature)
        };
        let is_other = |scheme: &Scheme| *scheme != self.scheme || self.modules.is_some();
        let scheme = Scheme::ALL.into_iter().filter(is_other).find(is_it)?;
        let alone = if self.modules.is_some() { ", without --with-modules" } else { "" };
        Some(format!("{}{alone}", scheme.flag()))
    }

    fn sign(&self, path: &Path) -> Result<Signed, String> {
        let bytes = KernelFile::open(path)?;
        let signed = match self.scheme {
            Scheme::Normalized => normalized(&bytes),
            scheme => sign(&bytes, scheme.digest()),
        };
        let signed = signed.map_err(|error| error.to_string())?;
        let signature = match &self.modules {
            None => signed.signature,
            Some(modules) => {
                let modules: Vec<_> = modules.iter().map(|(name, signature)| (name.as_str(), *signature)).collect();
                set_signature(self.scheme.digest(), signed.signature, &modules)
            }
        };
        let sections = if self.with_sections { &signed.sections[..] } else { &[] };
        let sections = sections.iter().map(|(section, digest)| (section.name.to_owned(), section.bytes.len(), *digest));
        Ok(Signed { signature, sections: sections.collect() })
    }
}

fn normalized(bytes: &[u8]) -> Result<kernel::Signed<'_>, image::Error> {
    let image = Image::parse(bytes)?;
    let signature = Apart::new(&image, Sources::of(&image).as_ref())?.signature();
    Ok(kernel::Signed { signature, sections: Vec::new() })
}

fn text(path: &Path, signed: &Signed, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", line::write(&signed.signature, &path.to_string_lossy()))?;
    for (name, size, digest) in &signed.sections {
        writeln!(out, "{digest}    {size:>9}  {}", printable(name))?;
    }
    Ok(())
}

/// The record of a file. The names are a contract; the documentation is that of the JSON Schema.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Record<'r> {
    /// The path of the kernel or module.
    file: &'r str,
    /// What the signature is made with.
    algorithm: Scheme,
    /// The signature: 64 hex digits.
    signature: String,
    /// The sections that are loaded from the file, in header order, with `--sections`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sections: Vec<Section<'r>>,
}

/// A section that is loaded from the file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Section<'r> {
    /// Its name; `(relocations)` for those of a module.
    name: &'r str,
    /// Bytes.
    size: usize,
    /// Its digest: 64 hex digits.
    digest: String,
}

fn ndjson(path: &Path, signed: &Signed, scheme: Scheme, out: &mut impl Write) -> io::Result<()> {
    let record = Record {
        file: &path.to_string_lossy(),
        algorithm: scheme,
        signature: signed.signature.to_string(),
        sections: signed.sections.iter().map(section).collect(),
    };
    serde_json::to_writer(&mut *out, &record).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn section((name, size, digest): &(String, usize, Signature)) -> Section<'_> {
    Section { name, size: *size, digest: digest.to_string() }
}
