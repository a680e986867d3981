//! [`Keys`]: every key of a file once, with an example and a sentence.
//!
//! The structs of a file say what is accepted; this table says it to people: in hints, in "did you
//! mean", and in the reference of a README.

/// One key of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name with a dot between: `proxy.url`. A section that is a list of tables has `[]` behind
    /// its name: `log.sinks[].to`.
    pub path: &'static str,
    /// A value that is accepted, as TOML.
    pub example: &'static str,
    /// What holds without the key.
    pub default: &'static str,
    /// What the key does, in one line.
    pub doc: &'static str,
}

/// Every key of a file, in the order of its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys(pub &'static [Key]);

// === impl Key ===

impl Key {
    /// A key with its example, its default and what it does.
    pub const fn new(
        path: &'static str,
        example: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            path,
            example,
            default,
            doc,
        }
    }

    /// All keys of these parts, one part after the other.
    ///
    /// # Panics
    ///
    /// When `N` is not how many there are. In a constant, which is where this belongs, that is an error of the
    /// compiler.
    pub const fn joined<const N: usize>(parts: &[&[Self]]) -> [Self; N] {
        let mut all = [Self::new("", "", "", ""); N];
        let (mut at, mut part) = (0, 0);
        while part < parts.len() {
            let mut key = 0;
            while key < parts[part].len() {
                all[at] = parts[part][key];
                (at, key) = (at + 1, key + 1);
            }
            part += 1;
        }
        assert!(at == N, "there are fewer keys");
        all
    }

    /// Section and name; the section of a key at the top of the file is empty.
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }

    /// The key with its example, as a line that a file may have.
    pub fn line(&self) -> String {
        match self.path.split_once("[].") {
            Some((list, name)) => format!("{list} = [{{ {name} = {} }}]", self.example),
            None => format!("{} = {}", self.path, self.example),
        }
    }
}

// === impl Keys ===

impl Keys {
    /// The key with this path.
    pub fn find(self, path: &str) -> Option<&'static Key> {
        self.0.iter().find(|key| key.path == path)
    }

    /// Whether keys stand below `path`.
    pub fn is_section(self, path: &str) -> bool {
        self.0.iter().any(|key| {
            let end = key.split().0.strip_prefix(path);
            end.is_some_and(|end| end.is_empty() || end.starts_with('.'))
        })
    }

    /// Whether `path` is a list of tables with keys of their own.
    pub(super) fn is_list(self, path: &str) -> bool {
        self.is_section(&format!("{path}[]"))
    }

    /// `write, for example: name = example` for a key that is known.
    pub(super) fn example(self, path: &str) -> Option<String> {
        self.find(path)
            .map(|key| format!("write, for example: {} = {}", key.split().1, key.example))
    }

    /// The names that a section knows; for the top of the file, its sections too.
    pub fn of_section(self, section: &str) -> Vec<&'static str> {
        let mut names: Vec<_> = self
            .0
            .iter()
            .filter_map(|key| match key.split() {
                (own, name) if own == section => Some(name),
                (own, _) if section.is_empty() => own.split('.').next(),
                (own, _) => own
                    .strip_prefix(section)?
                    .strip_prefix('.')?
                    .strip_suffix("[]"),
            })
            .collect();
        names.dedup();
        names
    }

    /// The known key that `name` in `section` most likely stands for, as a question.
    ///
    /// A key of another section counts only if its name is the same or nearly so.
    pub fn nearest(self, section: &str, name: &str) -> Option<String> {
        let here = self
            .of_section(section)
            .into_iter()
            .map(|known| (likeness(known, name), format!("{known:?}")));
        let there = self
            .0
            .iter()
            .map(|key| (key.split().1, key.path))
            .filter(|(known, _)| likeness(known, name) > 0.95)
            .map(|(known, path)| (likeness(known, name) - 0.1, elsewhere(path)));
        here.chain(there)
            .filter(|(likeness, _)| *likeness > 0.8)
            // The first of those that are equally near: the table begins with the plainest.
            .min_by(|a, b| b.0.total_cmp(&a.0))
            .map(|(_, known)| format!("did you mean {known}?"))
    }
}

fn elsewhere(path: &str) -> String {
    match path.split_once('.') {
        Some(_) => format!("{path:?}"),
        None => format!("{path:?} before the first section"),
    }
}

/// From 0 (nothing in common) to 1 (the same but for case and hyphens).
fn likeness(known: &str, name: &str) -> f64 {
    strsim::jaro_winkler(known, &name.to_lowercase().replace('-', "_"))
}
