//! The kernels that frames are looked up in: for each build that a log names, its image and its modules.

mod booted;
mod images;
mod tried;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fetch::{Search, Wanted};
use ksplat::Checked;
use ksplat::image::Kind;
use ksplat::symbolize::{Choice, Identity, KaslrOffset, Symbolizer};
use ksplat::trace::{Boot, Build, Frame, Report};

use crate::args::{Proof, Shared};
use crate::output::Output;
pub use booted::Booted;
use images::{Images, Opened};
pub use tried::{Tried, Verdict};

/// Builds of which the image is looked for; a log that names more is none.
const MOST_BUILDS: usize = 256;
/// Kernels that are opened in the search for one.
const MOST_OPENED: usize = 64;

/// Where there is no image, every frame is a miss.
static NOTHING: LazyLock<Symbolizer<'static>> = LazyLock::new(|| Symbolizer::new(None, []));

/// Finds the kernel of each build.
pub struct Kernels<'o> {
    files: Arc<Files<'o>>,
    vmlinux: Option<PathBuf>,
    /// The release of logs that name none.
    release: Option<String>,
    known: Mutex<HashMap<Build, Arc<Kernel<'o>>>>,
}

/// The images that were opened, and where others are.
struct Files<'o> {
    search: Search,
    images: Images,
    /// Images of other builds are taken too.
    force: bool,
    proof: Proof,
    /// What was said: a log that says more and more of its kernel is no reason to say it again.
    said: Mutex<HashSet<String>>,
    output: &'o Output,
}

/// A kernel and its modules; a module is opened when the first frame names it.
pub struct Kernel<'o> {
    files: Arc<Files<'o>>,
    build: Build,
    vmlinux: &'static Symbolizer<'static>,
    image: Option<&'static Opened>,
    path: Option<PathBuf>,
    identity: Identity,
    is_refused: bool,
    modules: Mutex<HashMap<String, &'static Symbolizer<'static>>>,
}

impl<'o> Kernels<'o> {
    /// The kernels that the command line names and this machine has.
    pub fn new(shared: &Shared, output: &'o Output) -> Kernels<'o> {
        for directory in shared.modules.iter().chain(&shared.debug_dir) {
            if let Err(error) = std::fs::metadata(directory) {
                output.error(directory, &crate::output::reason(&error));
            }
        }
        let system = shared.sysroot.clone().unwrap_or_else(|| PathBuf::from("/"));
        let search = Search::new(shared.debug_dir.clone(), shared.modules.clone(), system);
        let files = Arc::new(Files {
            search,
            images: Images::new(&shared.strip_prefix),
            force: shared.force,
            proof: shared.proof,
            said: Mutex::default(),
            output,
        });
        let kernels = Kernels {
            files,
            vmlinux: shared.vmlinux.clone(),
            release: shared.release.clone(),
            known: Mutex::default(),
        };
        // What is named must be a kernel, whatever the logs say.
        if let Some(path) = &kernels.vmlinux
            && let Err(why) = kernels.files.kernel(path)
        {
            output.error(path, &why);
        }
        kernels
    }

    /// The same, if the command line names any.
    pub fn named(shared: &Shared, output: &'o Output) -> Option<Kernels<'o>> {
        let is_named = shared.vmlinux.is_some() || !shared.modules.is_empty() || !shared.debug_dir.is_empty();
        is_named.then(|| Kernels::new(shared, output))
    }

    /// The kernel of a boot. What is wrong with the search is said once.
    pub fn of(&self, boot: &Boot) -> Booted<'o> {
        Booted { kernel: self.of_build(&self.released(&boot.build)), offset: boot.offset.map(KaslrOffset) }
    }

    /// A build, with the release of the command line where the log names none.
    pub fn released(&self, build: &Build) -> Build {
        let release = build.release.clone().or_else(|| self.release.clone());
        Build { release, ..build.clone() }
    }

    fn of_build(&self, build: &Build) -> Arc<Kernel<'o>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernel) = known.get(build) {
            return Arc::clone(kernel);
        }
        let unknown = Build::default();
        let build = if known.len() < MOST_BUILDS { build } else { &unknown };
        Arc::clone(known.entry(build.clone()).or_insert_with(|| Arc::new(self.find(build))))
    }

    /// What is known of the places where the kernel of a build may be, in the order of the search, and which one is taken.
    pub fn tried(&self, build: &Build) -> (Vec<Tried>, Choice) {
        let named: Vec<PathBuf> = self.vmlinux.iter().cloned().collect();
        if !named.is_empty() {
            let tried: Vec<Tried> = named.into_iter().map(|path| self.files.tried(path, build)).collect();
            return (tried, Choice::One(0));
        }
        let places = self.files.search.kernels(wanted(build));
        let mut tried: Vec<Tried> = Vec::with_capacity(places.len());
        let mut choice = Choice::None;
        let mut opened = 0;
        for is_packed in [false, true] {
            for place in places.iter().filter(|place| place.is_packed == is_packed) {
                tried.push(match place.is_there {
                    // Unpacking takes its time, and what is packed has no lines.
                    true if is_packed && choice != Choice::None => Tried::not_read(place.path.clone()),
                    true if opened >= MOST_OPENED => Tried::not_read(place.path.clone()),
                    true => {
                        opened += 1;
                        self.files.tried(place.path.clone(), build)
                    }
                    false => Tried::missing(place.path.clone()),
                });
            }
            choice = tried::choose(&tried);
        }
        (tried, choice)
    }

    fn find(&self, build: &Build) -> Kernel<'o> {
        let (mut tried, choice) = self.tried(build);
        let mut is_refused = false;
        let chosen = match choice {
            Choice::One(number) => {
                let chosen = tried.swap_remove(number);
                if let Some(other) = chosen.identity().filter(|identity| identity.is_other() && !self.files.force) {
                    let why = format!("{other}: nothing is symbolized (unless by --force)");
                    self.files.error(&chosen.path, &why);
                    is_refused = true;
                }
                Some(chosen)
            }
            Choice::Ambiguous(count) => {
                self.files.note(&format!(
                    "{count} kernels are found and the log does not say which is its own: give --vmlinux"
                ));
                None
            }
            Choice::None => None,
        };
        let image = chosen.as_ref().and_then(Tried::image);
        let identity = chosen.as_ref().and_then(Tried::identity).cloned().unwrap_or(Identity::Unknown);
        Kernel {
            files: Arc::clone(&self.files),
            build: build.clone(),
            vmlinux: image.map_or(&NOTHING, |image| image.symbolizer("")),
            image,
            path: chosen.map(|tried| tried.path).filter(|_| image.is_some()),
            identity,
            is_refused,
            modules: Mutex::default(),
        }
    }
}

impl Files<'_> {
    fn tried(&self, path: PathBuf, build: &Build) -> Tried {
        let verdict = match self.kernel(&path) {
            Err(why) => Verdict::Unreadable(why),
            Ok(image) => Verdict::Read { image, identity: Identity::of(&image.image, build) },
        };
        Tried { path, verdict }
    }

    fn kernel(&self, path: &Path) -> Result<&'static Opened, String> {
        let opened = self.images.open(path)?;
        if opened.image.kind() == Kind::Module { Err("a module, not a kernel".to_owned()) } else { Ok(opened) }
    }

    fn error(&self, path: &Path, why: &str) {
        if self.is_new(format!("{}: {why}", path.display())) {
            self.output.error(path, &why);
        }
    }

    fn note(&self, text: &str) {
        if self.is_new(text.to_owned()) {
            self.output.note(&text);
        }
    }

    fn is_new(&self, text: String) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(text)
    }
}

impl Kernel<'_> {
    /// The file that the kernel's image is.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// How the kernel's image compares with what the log says of it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What is known of the build.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// The release that the log names.
    pub fn release(&self) -> Option<&str> {
        self.build.release.as_deref()
    }

    /// True where the image that was named is proved to be another kernel's: it says nothing of this log.
    pub fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether more than the identity is compared.
    pub fn is_compared(&self) -> bool {
        self.files.proof == Proof::All
    }

    /// A report held against the images, unless that is not wanted.
    pub fn checked(&self, report: &Report<'_>) -> Option<Checked> {
        self.is_compared().then(|| Checked::of(report, |frame| self.of(frame)))
    }

    /// Looks up the names of many frames at once.
    pub fn prepare(&self, frames: &[Frame<'_>]) {
        let mut by_module: HashMap<Option<&str>, Vec<Frame<'_>>> = HashMap::new();
        for frame in frames {
            by_module.entry(frame.module).or_default().push(*frame);
        }
        for frames in by_module.into_values() {
            self.of(&frames[0]).prepare(&frames);
        }
    }

    /// The image that a frame is in; an empty one where there is none, so that the frame is a miss.
    pub fn of(&self, frame: &Frame<'_>) -> &'static Symbolizer<'static> {
        let Some(name) = frame.module else { return self.vmlinux };
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(name) {
            return module;
        }
        let (tried, choice) = self.tried_module(name, frame.build_id);
        let image = match choice {
            Choice::One(number) => tried[number].image(),
            // Nothing tells them apart: the first is the one with debug information.
            Choice::Ambiguous(_) => tried.iter().find_map(Tried::image),
            Choice::None if self.files.force => tried.iter().find_map(Tried::image),
            Choice::None => None,
        };
        if image.is_none()
            && let Some((path, why)) = tried.iter().find_map(Tried::unreadable)
        {
            self.files.error(path, why);
        }
        let module = image.map_or(&*NOTHING, |image| image.symbolizer(name));
        modules.insert(name.to_owned(), module);
        module
    }

    /// What is known of the files that may be a module of this kernel, and which one is taken.
    pub fn tried_module(&self, name: &str, build_id: Option<&str>) -> (Vec<Tried>, Choice) {
        let build = Build { build_id: build_id.map(str::to_owned), ..self.build.clone() };
        let places = self.files.search.modules(name, wanted(&build), self.path());
        let mut tried: Vec<Tried> = Vec::new();
        for place in places.into_iter().take(MOST_OPENED) {
            if place.is_packed && tried::choose(&tried) != Choice::None {
                tried.push(Tried::not_read(place.path));
                continue;
            }
            let verdict = match self.files.images.open(&place.path) {
                Err(why) => Verdict::Unreadable(why),
                Ok(image) => Verdict::Read { image, identity: Identity::of(&image.image, &build) },
            };
            tried.push(Tried { path: place.path, verdict });
        }
        let choice = tried::choose(&tried);
        (tried, choice)
    }

    /// The directories in which modules are looked for.
    pub fn module_directories(&self) -> Vec<PathBuf> {
        self.files.search.module_directories(self.build.release.as_deref())
    }
}

fn wanted(build: &Build) -> Wanted<'_> {
    Wanted { release: build.release.as_deref(), build_id: build.build_id.as_deref() }
}
