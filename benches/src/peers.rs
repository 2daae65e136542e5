//! Symbolizing beside everybody else who does it: the same addresses in the same run, each as a process of its own.
//!
//! Peers that are not installed are named. `benches/peers` has those that are libraries; it is built apart.

mod inputs;
mod measured;

use std::io;
use std::path::{Path, PathBuf};

use crate::Args;
use crate::inputs::folder;
use inputs::{Inputs, Kernel};
use measured::{Peer, Table};

/// Addresses that are asked for once.
const DISTINCT: usize = 10_000;
/// Draws of a long run, and the addresses that they are drawn from.
const DRAWS: usize = 1_000_000;
const DRAWN_FROM: usize = 200_000;

/// Writes the addresses that are asked for. A process of its own, since what it holds would count as its children's peak.
pub fn prepare(_: &Args) -> io::Result<()> {
    let Some(vmlinux) = vmlinux() else { return Ok(()) };
    if let Some(module) = module() {
        inputs::write_module(&place()?, &Kernel::parse(&std::fs::read(module)?)?)?;
    }
    inputs::write(&place()?, &Kernel::parse(&std::fs::read(vmlinux)?)?)
}

/// Runs the bench.
pub fn bench(args: &Args) -> io::Result<()> {
    let Some(vmlinux) = vmlinux() else {
        println!("skipped: peers: KSPLAT_VMLINUX is not set");
        return Ok(());
    };
    if !std::process::Command::new(std::env::current_exe()?).arg("peers-inputs").status()?.success() {
        return Err(io::Error::other("no inputs"));
    }
    let here = Here { vmlinux, place: place()?, inputs: Inputs::read(&place()?)? };
    println!("peers: {}; whole processes, page cache warm, the least of {} runs", here.vmlinux.display(), args.runs);
    here.indexes(args)?;
    here.oops(args)?;
    here.module(args)?;
    here.distinct(args)?;
    here.draws(args)
}

fn vmlinux() -> Option<PathBuf> {
    std::env::var_os("KSPLAT_VMLINUX").map(PathBuf::from)
}

fn module() -> Option<PathBuf> {
    std::env::var_os("KSPLAT_KERNEL_DIR").and_then(|kernel| inputs::find(&kernel, "xfs.ko"))
}

fn place() -> io::Result<PathBuf> {
    let place = folder()?.join("peers");
    std::fs::create_dir_all(&place)?;
    Ok(place)
}

/// Images, inputs, and two caches: one that has the kernel's index and one that stays empty.
struct Here {
    vmlinux: PathBuf,
    place: PathBuf,
    inputs: Inputs,
}

impl Here {
    fn cache(&self) -> PathBuf {
        self.place.join("cache")
    }

    fn symcache(&self) -> PathBuf {
        self.place.join("symcache")
    }

    fn ksplat(&self, name: &str, words: &[&str], input: &Path) -> Peer {
        // Nobody can put an index there.
        let cache = if name.contains("index") { self.cache() } else { PathBuf::from("/proc/ksplat") };
        Peer::ours(name).words(words).path(&self.vmlinux).input(input).cache(&cache)
    }

    fn indexes(&self, args: &Args) -> io::Result<()> {
        let mut table = Table::new("making an index of all lines and inlined calls", args.runs.min(3));
        let ours = Peer::ours("ksplat index").words(&["index"]).path(&self.vmlinux);
        table.add(ours.cache(&self.cache()).fresh(&self.cache()));
        table.add(Peer::library("symcache").words(&["build"]).path(&self.vmlinux).path(&self.symcache()));
        table.print()?;
        let index = std::fs::read_dir(self.cache().join("ksplat/index"))?.next().transpose()?;
        let size = |path: &Path| path.metadata().map_or(0.0, |data| data.len() as f64 / 1e6);
        println!(
            "    {:.1} MB on disk, symcache {:.1} MB",
            index.map_or(0.0, |index| size(&index.path())),
            size(&self.symcache())
        );
        Ok(())
    }

    fn oops(&self, args: &Args) -> io::Result<()> {
        let mut table = Table::new("one oops of 25 frames of the kernel", args.runs);
        let (oops, frames) = (&self.inputs.oops, &self.inputs.frames);
        let unchecked = ["decode", "--quiet", "--proof", "identity", "--vmlinux"];
        table.add(self.ksplat("ksplat decode", &unchecked, oops));
        table.add(self.ksplat("ksplat decode, index", &unchecked, oops));
        table.add(self.ksplat("ksplat decode, checks", &["decode", "--quiet", "--vmlinux"], oops));
        table.add(self.ksplat("ksplat decode, checks, index", &["decode", "--quiet", "--vmlinux"], oops));
        table.add(self.ksplat("ksplat addr", &["addr", "-afi", "-e"], frames));
        self.others(&mut table, frames, true);
        if let Some(scripts) = std::env::var_os("KSPLAT_KERNEL_SCRIPTS") {
            let script = PathBuf::from(scripts).join("decode_stacktrace.sh");
            table.add(
                Peer::command("bash")
                    .named("decode_stacktrace.sh")
                    .path(&script)
                    .path(&self.vmlinux)
                    .input(oops)
                    .once(),
            );
        } else {
            println!(
                "    skipped: decode_stacktrace.sh: KSPLAT_KERNEL_SCRIPTS is not set (testdata/lab/packages source)"
            );
        }
        table.print()
    }

    fn module(&self, args: &Args) -> io::Result<()> {
        let Some(xfs) = module() else {
            println!("    skipped: modules: no xfs.ko in KSPLAT_KERNEL_DIR");
            return Ok(());
        };
        let mut table = Table::new("five addresses of xfs.ko", args.runs);
        let module = self.place.join("module");
        let ours = Peer::ours("ksplat addr").words(&["addr", "-afi", "-j", ".text", "-e"]).path(&xfs).input(&module);
        table.add(ours.cache(Path::new("/proc/ksplat")));
        table.add(Peer::command("addr2line").words(&["-afi", "-j", ".text", "-e"]).path(&xfs).input(&module));
        table.add(Peer::command("eu-addr2line").words(&["-afi", "-j", ".text", "-e"]).path(&xfs).input(&module));
        table.add(Peer::command("llvm-symbolizer").words(&["--inlines", "-e"]).path(&xfs).input(&module));
        table.print()
    }

    fn distinct(&self, args: &Args) -> io::Result<()> {
        let mut table = Table::new("10,000 different addresses, inlined calls on", args.runs);
        let addresses = &self.inputs.distinct;
        table.add(self.ksplat("ksplat addr", &["addr", "-afi", "-e"], addresses));
        table.add(self.ksplat("ksplat addr, index", &["addr", "-afi", "-e"], addresses));
        self.others(&mut table, addresses, true);
        table.print()
    }

    fn draws(&self, args: &Args) -> io::Result<()> {
        let mut table = Table::new("1,000,000 addresses, some of them often (Zipf), inlined calls on", args.runs);
        let addresses = &self.inputs.draws;
        table.add(self.ksplat("ksplat addr, index", &["addr", "-afi", "-e"], addresses));
        self.others(&mut table, addresses, false);
        table.print()
    }

    /// Who takes addresses on standard input; `few` says that elfutils ends today.
    fn others(&self, table: &mut Table, addresses: &Path, few: bool) {
        let of = |peer: Peer| peer.path(&self.vmlinux).input(addresses);
        table.add(
            Peer::library("symcache")
                .words(&["ask"])
                .path(&self.symcache())
                .words(&[&self.inputs.start])
                .input(addresses),
        );
        table.add(of(Peer::library("blazesym")));
        table.add(of(Peer::library("gimli-addr2line").named("addr2line crate")));
        table.add(of(Peer::command("llvm-symbolizer").words(&["--inlines", "-e"])));
        table.add(of(Peer::command("addr2line").words(&["-afi", "-e"])));
        if few {
            table.add(of(Peer::command("eu-addr2line").words(&["-afi", "-e"])).once());
        } else {
            println!("    skipped: eu-addr2line: it takes milliseconds for each address");
        }
    }
}
