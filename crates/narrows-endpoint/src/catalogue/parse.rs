//! The catalogue's text format; `data/README.md` describes it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::host::Host;
use crate::pattern::Pattern;

use super::endpoint::{Endpoint, NeverGateway};
use super::{
    BypassKeyword, CARRIED_GROUP, Catalogue, CatalogueError, CatalogueProblem, Date, Region,
};

mod table;

pub(super) use table::is_label;
use table::{Row, Table};

/// What a catalogue's first line begins with.
const MAGIC: &str = "# narrows-catalogue ";

pub(super) fn built_in() -> Result<Catalogue, CatalogueError> {
    let table = |text| Table { text, above: 0 };
    let text = include_str!("../../data/endpoints.csv");
    let (date, version) = header(text)?;
    Ok(Catalogue {
        date,
        version,
        endpoints: endpoints(&table(text))?,
        regions: regions(&table(include_str!("../../data/regions.csv")))?,
        never: never(&table(include_str!("../../data/never.csv")))?,
        bypass: bypass(&table(include_str!("../../data/bypass.csv")))?,
    })
}

pub(super) fn replacement(text: &str) -> Result<Catalogue, CatalogueError> {
    let (date, version) = header(text)?;
    let mut catalogue = Catalogue {
        date,
        version,
        ..Catalogue::built_in().clone()
    };
    let mut seen = HashSet::new();
    for (name, table) in table::sections(text) {
        if !seen.insert(name) {
            return Err(CatalogueError::new(table.above, repeated(name)));
        }
        match name {
            "endpoints" => catalogue.endpoints = endpoints(&table)?,
            "regions" => catalogue.regions = regions(&table)?,
            "never" => catalogue.never = never(&table)?,
            "bypass" => catalogue.bypass = bypass(&table)?,
            _ => return Err(CatalogueError::new(table.above, CatalogueProblem::Section)),
        }
    }
    Ok(catalogue)
}

/// Reads `# narrows-catalogue version=1 date=2026-02-17`, in which the version may be left out.
fn header(text: &str) -> Result<(Date, u32), CatalogueError> {
    let line = text.lines().next().unwrap_or_default();
    read_header(line).ok_or_else(|| CatalogueError::new(1, CatalogueProblem::Header))
}

fn read_header(line: &str) -> Option<(Date, u32)> {
    let (mut date, mut version) = (None, None);
    for word in line.strip_prefix(MAGIC)?.split_whitespace() {
        // A key twice, or one of a later format, is not guessed at.
        match word.split_once('=')? {
            ("date", value) if date.is_none() => date = Some(value.parse().ok()?),
            ("version", value) if version.is_none() => version = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some((date?, version.unwrap_or(1)))
}

fn endpoints(table: &Table<'_>) -> Result<Arc<[Endpoint]>, CatalogueError> {
    let mut seen = HashSet::new();
    let mut last_group = Arc::from("");
    table.rows(
        &[
            "cloud",
            "group",
            "pattern",
            "port",
            "transport",
            "purpose",
            "required_when",
            "private_link",
            "carried",
            "source",
        ],
        |row| {
            let endpoint = endpoint(row, &mut last_group)?;
            let key = (
                endpoint.cloud,
                Arc::clone(&endpoint.group),
                endpoint.template.clone(),
                endpoint.port,
                endpoint.transport,
            );
            if !seen.insert(key) {
                return Err(repeated(endpoint.template.as_str()));
            }
            Ok(endpoint)
        },
    )
}

fn endpoint(row: &Row, last_group: &mut Arc<str>) -> Result<Endpoint, CatalogueProblem> {
    // Rows of a group stand together: most rows share their group's name with the row above.
    if **last_group != *row.word("group")? {
        *last_group = row.word("group")?.into();
    }
    let template: super::Template = row.word("pattern")?.parse()?;
    let port = crate::target::parse_port(row.text("port"))
        .map_err(|_| row.refuse("port", "a number from 1 to 65535"))?;
    let concrete = match template.tokens().next() {
        Some(_) if &**last_group == CARRIED_GROUP => return Err(CatalogueProblem::Token),
        Some(_) => None,
        None => Some(template.as_str().parse::<Pattern>()?),
    };
    if concrete
        .as_ref()
        .is_some_and(|pattern| !pattern.covers_every_port())
    {
        return Err(row.refuse("pattern", "a name without a port, which has its own column"));
    }
    Ok(Endpoint {
        cloud: row.known("cloud", "AzureCloud, AzureUSGovernment or AzureChinaCloud")?,
        group: Arc::clone(last_group),
        template,
        port,
        transport: row.known("transport", "tcp or udp")?,
        purpose: row.text("purpose").into(),
        required_when: row.text("required_when").into(),
        private_link: row.text("private_link").into(),
        carried: row.known("carried", "yes, no or unknown")?,
        source: row.text("source").into(),
        concrete: concrete.map(|pattern| pattern.or_port(port)),
    })
}

fn regions(table: &Table<'_>) -> Result<Arc<[Region]>, CatalogueError> {
    let mut seen = HashSet::new();
    table.rows(
        &[
            "cloud",
            "region",
            "display_name",
            "geography",
            "his_code",
            "gas_code",
            "machine_config_storage",
            "source",
            "his_source",
        ],
        |row| {
            let region = region(row)?;
            if !seen.insert(Arc::clone(&region.name)) {
                return Err(repeated(&region.name));
            }
            Ok(region)
        },
    )
}

fn region(row: &Row) -> Result<Region, CatalogueProblem> {
    let code = |column| -> Result<Option<Arc<str>>, CatalogueProblem> {
        match row.text(column) {
            "" => Ok(None),
            _ => row.label(column).map(Some),
        }
    };
    let storage = row.text("machine_config_storage").split_whitespace();
    Ok(Region {
        cloud: row.known("cloud", "AzureCloud, AzureUSGovernment or AzureChinaCloud")?,
        name: row.label("region")?,
        display_name: row.text("display_name").into(),
        geography: row.text("geography").into(),
        his_code: code("his_code")?,
        gas_code: code("gas_code")?,
        machine_config_storage: storage
            .map(|name| match name.parse() {
                Ok(Host::Name(name)) => Ok(name.as_str().into()),
                _ => Err(row.refuse("machine_config_storage", "names with spaces between")),
            })
            .collect::<Result<_, _>>()?,
    })
}

fn never(table: &Table<'_>) -> Result<Arc<[NeverGateway]>, CatalogueError> {
    table.rows(&["pattern", "reason", "source"], |row| {
        Ok(NeverGateway {
            pattern: row.word("pattern")?.parse()?,
            reason: row.text("reason").into(),
            source: row.text("source").into(),
        })
    })
}

fn bypass(table: &Table<'_>) -> Result<Arc<[BypassKeyword]>, CatalogueError> {
    let rows = table.rows(&["keyword", "pattern", "since_agent", "note"], |row| {
        Ok((
            Arc::from(row.word("keyword")?),
            row.word("pattern")?.parse()?,
        ))
    })?;
    let mut keywords: Vec<BypassKeyword> = Vec::new();
    for (keyword, pattern) in rows.iter().cloned() {
        match keywords
            .iter_mut()
            .find(|known| known.keyword.eq_ignore_ascii_case(&keyword))
        {
            Some(known) => known.patterns.push(pattern),
            None => keywords.push(BypassKeyword {
                keyword,
                patterns: vec![pattern],
            }),
        }
    }
    Ok(keywords.into())
}

fn repeated(what: &str) -> CatalogueProblem {
    CatalogueProblem::Repeated(what.into())
}
