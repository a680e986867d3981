//! The names behind `*.servicebus.windows.net`: asked for, judged, and kept.
//!
//! The guest notification service publishes the names that it uses in a region, as a JSON array of
//! strings, without authentication. They change without notice.

use std::time::Duration;

use narrows_endpoint::{Cloud, Pattern};

use crate::selection::{Opening, Openings};

mod answer;
mod cache;
mod client;

pub use answer::{AnswerError, MAX_NAMES, names};
pub use cache::{Cache, Kept};
pub use client::{Client, FetchError};

/// How long an answer is used before it is asked for again, unless told otherwise.
pub const MAX_AGE: Duration = Duration::from_secs(3600);

/// Where a cloud publishes its names, and below which name they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The service, without the query.
    pub url: &'static str,
    /// What every name ends with.
    pub suffix: &'static str,
}

/// The service of a cloud. That the one in China has the same path is not documented.
pub const fn service(cloud: Cloud) -> Service {
    match cloud {
        Cloud::AzureUsGovernment => Service {
            url: "https://guestnotificationservice.azure.us/urls/allowlist",
            suffix: "servicebus.usgovcloudapi.net",
        },
        Cloud::AzureChinaCloud => Service {
            url: "https://guestnotificationservice.azure.cn/urls/allowlist",
            suffix: "servicebus.chinacloudapi.cn",
        },
        _ => Service {
            url: "https://guestnotificationservice.azure.com/urls/allowlist",
            suffix: "servicebus.windows.net",
        },
    }
}

/// Whether a list has wildcards that the service has names for.
pub fn is_expandable(openings: &Openings, suffix: &str) -> bool {
    openings.open.iter().any(|row| stands_for(row, suffix))
}

/// Puts the names in the place of the wildcards below `suffix`.
pub fn expand(openings: &mut Openings, suffix: &str, names: &[String]) {
    let Some(at) = openings.open.iter().position(|row| stands_for(row, suffix)) else {
        return;
    };
    let model = openings.open[at].clone();
    openings.open.retain(|row| !stands_for(row, suffix));
    let rows = names.iter().filter_map(|name| {
        let pattern: Pattern = name.parse().ok()?;
        let port = std::num::NonZeroU16::new(model.port)?;
        Some(Opening {
            name: name.clone(),
            pattern: Some(pattern.or_port(port)),
            ..model.clone()
        })
    });
    let rows: Vec<_> = rows
        .filter(|row| openings.open.iter().all(|other| other.name != row.name))
        .collect();
    openings.open.splice(at..at, rows);
}

fn stands_for(row: &Opening, suffix: &str) -> bool {
    row.is_wildcard()
        && row
            .name
            .strip_suffix(suffix)
            .is_some_and(|front| front.ends_with('.'))
}
