//! The settings files of packages: every key, commented out, with what it does and what holds without it.

use narrows_service::config::Key;

/// The file of `program`, which must take settings.
pub(crate) fn file(program: &str) -> Option<String> {
    let (keys, head) = match program {
        "narrows-gateway" => (narrows_gateway::config::KEYS, GATEWAY),
        "narrows-proxy" => (narrows_proxy::config::KEYS, PROXY),
        _ => return None,
    };
    let mut text = head.to_owned();
    let mut section = "";
    for key in keys.0 {
        let (own, _) = key.split();
        if own != section {
            section = own;
            text.push_str(&header(section));
        }
        text.push_str(&entry(key));
    }
    Some(text)
}

/// What stands above the keys of a section. One table of a list is commented out with its keys: empty, it
/// would be an entry that says nothing.
fn header(section: &str) -> String {
    match section.strip_suffix("[]") {
        Some(list) => format!("\n#[[{list}]]\n"),
        None => format!("\n[{section}]\n"),
    }
}

fn entry(key: &Key) -> String {
    let (_, name) = key.split();
    let plain = |words: &str| words.replace('`', "");
    let mut text = String::from("\n");
    for line in wrap(&plain(key.doc)) {
        text.push_str(&format!("# {line}\n"));
    }
    text.push_str(&format!("# Without it: {}\n", plain(key.default)));
    text.push_str(&format!("#{name} = {}\n", key.example));
    text
}

/// Words in lines of at most [`WIDTH`] octets; a longer word has a line of its own.
fn wrap(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

const WIDTH: usize = 96;

const GATEWAY: &str = "\
# Settings of narrows-gateway. Everything is optional; what is commented out shows an example.
# Definitions (gateways/NAME.json), tokens.json and tls/ stand beside this file. The commands that make them
# run as the service's user, so that it can read them:
#   sudo -u narrows-gateway narrows-gateway create NAME --domain example.net
#   sudo -u narrows-gateway narrows-gateway token issue NAME
# systemd holds the socket (narrows-gateway.socket), so `listen` is for gateways started without it.
";

const PROXY: &str = "\
# Settings of narrows-proxy. Everything is optional; what is commented out shows an example.
# An unknown key or a value that cannot be is an error with its line; to see what a target comes to:
#   narrows-proxy explain --config /etc/narrows/proxy.toml HOST
# Files with secrets must be readable by the service: owner root, group narrows-proxy, mode 0640.
# systemd holds the socket (narrows-proxy.socket), so `listen` is for proxies started without it.
";

#[cfg(test)]
mod tests {
    use narrows_service::config::{Keys, Loaded, Schema};

    use super::*;

    /// Reads the file as it is packaged, and once more with every example switched on.
    fn check<F: Schema>(program: &str, keys: Keys) {
        let text = file(program).unwrap();
        let packaged = Loaded::<F>::parse(program, &text).unwrap();
        assert_eq!(packaged.problems, [], "{text}");
        let on = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting.to_owned(),
            _ => line.to_owned(),
        };
        let all: Vec<String> = text.lines().map(on).collect();
        let read = Loaded::<F>::parse(program, &all.join("\n")).unwrap();
        assert_eq!(read.problems, []);
        let settings = all
            .iter()
            .filter(|line| line.contains(" = ") && !line.starts_with('#'));
        assert_eq!(settings.count(), keys.0.len());
    }

    #[test]
    fn the_files_are_good_and_so_is_every_example_in_them() {
        check::<narrows_proxy::config::File>("narrows-proxy", narrows_proxy::config::KEYS);
        check::<narrows_gateway::config::File>("narrows-gateway", narrows_gateway::config::KEYS);
        assert!(file("narrows-probe").is_none());
    }
}
