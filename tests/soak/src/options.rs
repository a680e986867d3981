//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

/// A run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) binaries: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) squid: Option<PathBuf>,
    pub(crate) length: Duration,
    pub(crate) seed: u64,
    /// Busy and idle clients for each route.
    pub(crate) clients: (usize, usize),
}

impl Options {
    /// Reads the arguments; `scripts/soak.sh` knows them all.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            binaries: PathBuf::new(),
            directory: PathBuf::new(),
            squid: None,
            length: Duration::from_secs(30 * 60),
            seed: 1,
            clients: (16, 48),
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} of what?"))?;
            let wrong = || format!("{flag} {value}: not a number for it");
            match flag.as_str() {
                "--binaries" => options.binaries = value.into(),
                "--dir" => options.directory = value.into(),
                "--squid" => options.squid = Some(value.into()),
                "--minutes" => {
                    let minutes: f64 = value.parse().map_err(|_| wrong())?;
                    let length = Duration::try_from_secs_f64(minutes * 60.0);
                    options.length = length.map_err(|_| wrong())?;
                }
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                "--clients" => options.clients.0 = value.parse().map_err(|_| wrong())?,
                "--idle" => options.clients.1 = value.parse().map_err(|_| wrong())?,
                _ => {
                    return Err(format!(
                        "{flag}: no such flag; scripts/soak.sh --help lists them"
                    ));
                }
            }
        }
        if options.binaries.as_os_str().is_empty() || options.directory.as_os_str().is_empty() {
            return Err("--binaries and --dir are needed; scripts/soak.sh gives them".to_owned());
        }
        Ok(options)
    }

    /// The part of the run after which memory should have come to its height.
    pub(crate) fn warm_up(&self) -> Duration {
        (self.length / 3).min(Duration::from_secs(60))
    }

    /// Whether it lasts long enough to say something of memory.
    pub(crate) fn judges_memory(&self) -> bool {
        self.length >= Duration::from_secs(5 * 60)
    }
}
