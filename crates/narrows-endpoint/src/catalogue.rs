//! [`Catalogue`]: the endpoints that are known, dated and replaceable.

mod date;

pub use date::{Date, DateError};
