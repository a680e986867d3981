//! Man pages and shell completions, from the definition of the command line.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::Shell;

use crate::binaries::commands;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// Writes the completions of every program.
pub(crate) fn completions(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for mut command in commands() {
        let name = command.get_name().to_owned();
        for shell in SHELLS {
            clap_complete::generate_to(shell, &mut command, &name, directory)?;
        }
    }
    Ok(())
}

/// Writes a man page for every program and for each of its commands.
pub(crate) fn man(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for command in commands() {
        clap_mangen::generate_to(command, directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// A command, its long flags, and the name of its man page.
    fn walk(command: &Command, page: &str, found: &mut Vec<(String, Vec<String>)>) {
        let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
        let flags = flags.filter_map(|flag| flag.get_long().map(str::to_owned));
        found.push((page.to_owned(), flags.collect()));
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            walk(below, &format!("{page}-{}", below.get_name()), found);
        }
    }

    fn pages() -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for mut command in commands() {
            command.build();
            let name = command.get_name().to_owned();
            walk(&command, &name, &mut found);
        }
        found
    }

    #[test]
    fn every_command_has_a_man_page_that_names_every_flag() {
        let directory = tempfile::tempdir().unwrap();
        man(directory.path()).unwrap();
        let pages = pages();
        assert!(pages.len() > 20, "{}", pages.len());
        // clap's own `help` command repeats the others.
        for (page, flags) in pages.iter().filter(|(page, _)| !page.contains("-help")) {
            let file = directory.path().join(format!("{page}.1"));
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {error}"));
            // roff escapes a hyphen that must stay one.
            let text = text.replace("\\-", "-");
            for flag in flags {
                assert!(text.contains(&format!("--{flag}")), "{page}: --{flag}");
            }
        }
    }

    #[test]
    fn every_shell_completes_every_flag() {
        let directory = tempfile::tempdir().unwrap();
        completions(directory.path()).unwrap();
        for mut command in commands() {
            command.build();
            let name = command.get_name().to_owned();
            let mut found = Vec::new();
            walk(&command, &name, &mut found);
            for (file, dashes) in [
                (format!("{name}.bash"), "--"),
                (format!("_{name}"), "--"),
                (format!("{name}.fish"), "-l "),
            ] {
                let text = fs::read_to_string(directory.path().join(&file)).unwrap();
                for (page, flags) in &found {
                    for flag in flags {
                        let flag = format!("{dashes}{flag}");
                        assert!(text.contains(&flag), "{file}: {page} {flag}");
                    }
                }
            }
        }
    }
}
