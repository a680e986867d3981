//! A proxy auto-configuration script.

use super::{Document, Written, regular_expression};

/// What a script says to a browser: the words that `FindProxyForURL` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pac {
    /// For what is in the list.
    pub listed: String,
    /// For everything else.
    pub other: String,
}

impl Default for Pac {
    /// What is listed goes directly, and all else to narrows-proxy on this machine.
    fn default() -> Self {
        Self {
            listed: "DIRECT".to_owned(),
            other: "PROXY 127.0.0.1:40343".to_owned(),
        }
    }
}

/// ES3, without the browsers' own functions: every engine reads it.
pub(super) fn write(document: &Document) -> Written {
    let mut written = Written::default();
    let ports = document.by_port(&mut written);
    let (mut names, mut patterns) = (Vec::new(), Vec::new());
    for (port, rows) in &ports {
        for row in rows {
            if row.is_wildcard() {
                patterns.push(format!(
                    "  /{}:{port}$/",
                    regular_expression(&row.name).trim_end_matches('$')
                ));
            } else {
                names.push(format!("  {}: 1", quote(&format!("{}:{port}", row.name))));
            }
        }
    }
    let text = SCRIPT
        .replace("{names}", &names.join(",\n"))
        .replace("{patterns}", &patterns.join(",\n"))
        .replace("{listed}", &quote(&document.pac.listed))
        .replace("{other}", &quote(&document.pac.other));
    written.text = document.comments("//") + &text;
    written
}

/// A string literal: JSON's are JavaScript's.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const SCRIPT: &str = r#"var names = {
{names}
};
var patterns = [
{patterns}
];

function FindProxyForURL(url, host) {
  var name = host.toLowerCase().replace(/\.$/, "");
  var scheme = url.substring(0, url.indexOf(":")).toLowerCase();
  var plain = scheme == "http" || scheme == "ws" || scheme == "ftp";
  var found = /^[^:]+:\/\/(?:[^\/@]*@)?(?:\[[^\]]*\]|[^\/:?#]*):(\d+)/.exec(url);
  var target = name + ":" + (found ? found[1] : plain ? "80" : "443");
  if (names.hasOwnProperty(target)) return {listed};
  for (var i = 0; i < patterns.length; i++) {
    if (patterns[i].test(target)) return {listed};
  }
  return {other};
}
"#;
