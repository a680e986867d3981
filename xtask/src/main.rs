//! What packaging makes from the sources: man pages, shell completions, settings files with every key, and
//! the list of what is inside.
//!
//! Nothing of it is committed: it would only go stale. `scripts/deb.sh` calls this program.

mod binaries;
mod documents;
mod sbom;
mod settings;

use std::path::PathBuf;

use clap::Parser;

/// Makes what packages hold beside the programs.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Task {
    /// Write shell completions for bash, zsh and fish of every program into DIR
    Completions {
        /// The directory; it is made
        directory: PathBuf,
    },
    /// Write the man pages of every program into DIR
    Man {
        /// The directory; it is made
        directory: PathBuf,
    },
    /// Write the commented settings file of PROGRAM into FILE
    Settings {
        /// A program that takes settings
        program: String,
        /// The file
        file: PathBuf,
    },
    /// Write what PACKAGE is built from as CycloneDX JSON into FILE
    Sbom {
        /// A package of this workspace
        package: String,
        /// The file
        file: PathBuf,
    },
}

fn main() -> std::io::Result<()> {
    match Task::parse() {
        Task::Completions { directory } => documents::completions(&directory),
        Task::Man { directory } => documents::man(&directory),
        Task::Settings { program, file } => {
            let text = settings::file(&program).ok_or_else(|| {
                std::io::Error::other(format!("{program} takes no settings file"))
            })?;
            std::fs::write(file, text)
        }
        Task::Sbom { package, file } => {
            let metadata = sbom::metadata()?;
            std::fs::write(file, sbom::cyclonedx(&metadata, &package)?)
        }
    }
}
