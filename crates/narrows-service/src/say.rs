//! [`say`]: a line for people.

use std::fmt;
use std::io::{self, Write as _};

/// Writes a line for people to standard error. Nothing can be done when nobody reads it.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
