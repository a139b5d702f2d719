//! Which folders a function sees.

use std::path::{Component, Path, PathBuf};

use super::value::{Entry, Said, Wrong, nearest};

/// A folder that is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path, as the file writes it and the function sees it.
    pub path: String,
    place: Place,
    /// Whether the function may change what is in it.
    pub is_writable: bool,
    /// The line of the file that grants it.
    line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tmp,
    /// In the function's own folder, at this path below it.
    Task(PathBuf),
}

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct Preopen {
    /// Where it is: without symbolic links.
    pub host: PathBuf,
    /// What the function calls it.
    pub guest: String,
    /// Whether the function may change what is in it.
    pub is_writable: bool,
    line: usize,
}

const TMP: &str = "/tmp";

/// What the function's own folder is called on Lambda, and in the file wherever it lies.
const TASK: &str = "/var/task";

impl Folder {
    /// Reads one, of this file. `root` is the function's own folder.
    pub(super) fn read(entry: &Entry<'_>, file: &str, root: &Path) -> Said<Self> {
        let path = entry.key;
        let is_plain = path.len() > 1
            && path
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(|name| !matches!(name, "" | "." | "..")));
        if !is_plain || path.contains('\0') {
            let why = format!(
                "\"{path}\" is no path of a folder: it starts with `/`, and has no `.`, `..` or empty name in it, as \"{TMP}\" has none"
            );
            return Err(entry.wrong_key(why));
        }
        let below = |root: &Path| Some(Path::new(path).strip_prefix(root).ok()?.to_owned());
        let place = if path == TMP {
            Place::Tmp
        } else if let Some(below) = below(Path::new(TASK)).or_else(|| below(root)) {
            Place::Task(below)
        } else {
            return Err(elsewhere(entry));
        };
        Ok(Self {
            path: path.to_owned(),
            place,
            is_writable: entry.word(&[("read-only", false), ("read-write", true)])?,
            line: entry.line(file),
        })
    }

    /// All of them on this machine, where the function's own folder is `root`.
    ///
    /// # Errors
    ///
    /// Which line grants one that is not there, or could be used to leave another, and why.
    pub fn open_all(folders: &[Self], root: &Path) -> Result<Vec<Preopen>, (usize, String)> {
        let open = |folder: &Self| folder.open(root).map_err(|why| (folder.line, why));
        let opened = folders.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        // Who may write in a folder can put a symbolic link in the place of what is below it.
        for outer in opened.iter().filter(|folder| folder.is_writable) {
            let inner = opened
                .iter()
                .find(|inner| inner.host != outer.host && inner.host.starts_with(&outer.host));
            if let Some(inner) = inner {
                let place = match Path::new(&inner.guest).starts_with(&outer.guest) {
                    true => String::new(),
                    false => format!(" ({} on this machine)", inner.host.display()),
                };
                let why = format!(
                    "[files] grants \"{}\"{place}, which lies in \"{}\", and that is read-write already: grant one of them",
                    inner.guest, outer.guest
                );
                return Err((inner.line, why));
            }
        }
        Ok(opened)
    }

    fn open(&self, root: &Path) -> Result<Preopen, String> {
        let Self {
            path,
            is_writable,
            line,
            ..
        } = self;
        let real = |path: &Path| {
            let real = path.canonicalize().ok().filter(|path| path.is_dir());
            real.ok_or_else(|| {
                format!(
                    "[files] grants \"{}\", and there is no folder {}",
                    self.path,
                    path.display()
                )
            })
        };
        let host = match &self.place {
            Place::Tmp => real(Path::new(TMP))?,
            Place::Task(below) => {
                let (root, host) = (real(root)?, real(&root.join(below))?);
                if !host.starts_with(&root) {
                    return Err(format!(
                        "[files] grants \"{path}\", which is a symbolic link out of the function's folder"
                    ));
                }
                host
            }
        };
        Ok(Preopen {
            host,
            guest: path.clone(),
            is_writable: *is_writable,
            line: *line,
        })
    }
}

fn elsewhere(entry: &Entry<'_>) -> Wrong {
    let first = Path::new(entry.key)
        .components()
        .take(3)
        .filter(|part| *part != Component::RootDir);
    let start = format!("/{}", first.collect::<PathBuf>().display());
    let hint = match nearest(&start, &[TMP, TASK]) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!(
            "there are \"{TMP}\" and \"{TASK}\", the function's own folder, and what is in it"
        ),
    };
    entry.wrong_key(format!("\"{}\" cannot be granted; {hint}", entry.key))
}
