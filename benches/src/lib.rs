//! What several benches share: tables, and what the machine has.

pub mod machine;
pub mod table;
