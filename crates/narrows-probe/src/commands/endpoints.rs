//! `endpoints`: lists and searches the catalogue.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::feature::FEATURES;
use crate::output::Output;
use crate::selection::{Opening, SelectArgs, Selection};
use crate::table::{self, Table};

/// What to list.
#[derive(Clone, Debug, Args)]
pub struct EndpointsArgs {
    /// Only rows in which every word stands: in name, purpose, condition or group
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub select: SelectArgs,

    /// List the regions and their codes instead
    #[arg(long, conflicts_with = "list_features")]
    pub regions: bool,

    /// List the words that --features takes instead
    #[arg(long)]
    pub list_features: bool,

    /// Text for people, JSON or CSV for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table.
    #[default]
    Text,
    /// An array of objects.
    Json,
    /// RFC 4180 with a header.
    Csv,
}

/// One row of the JSON output.
#[derive(Debug, Serialize)]
struct Row<'a> {
    cloud: &'a str,
    name: &'a str,
    port: u16,
    transport: &'a str,
    feature: &'a str,
    group: &'a str,
    purpose: &'a str,
    when: &'a str,
    private_link: &'a str,
    carried_by_gateway: &'a str,
    source: &'a str,
}

/// Lists the rows.
///
/// # Errors
///
/// Words that are not known, and a catalogue that cannot be read.
pub fn run(args: &EndpointsArgs) -> Result<Exit, Fault> {
    let selection = args.select.resolve()?;
    let text = if args.regions {
        regions(&selection, args.format)
    } else if args.list_features {
        features(args.format)
    } else {
        endpoints(&selection, args)
    };
    Output::Stdout.write(&text)?;
    Ok(Exit::Clean)
}

fn endpoints(selection: &Selection, args: &EndpointsArgs) -> String {
    let words: Vec<_> = args.words.iter().map(|word| word.to_lowercase()).collect();
    let mut rows = selection.rows();
    rows.retain(|row| words.iter().all(|word| mentions(row, word)));
    match args.format {
        ListFormat::Text => text(selection, &rows),
        ListFormat::Json => {
            let cloud = selection.cloud().as_str();
            let rows: Vec<_> = rows.iter().map(|row| Row::new(cloud, row)).collect();
            json(&rows)
        }
        ListFormat::Csv => {
            let header = [
                "cloud",
                "name",
                "port",
                "transport",
                "feature",
                "group",
                "purpose",
                "when",
                "private_link",
                "carried_by_gateway",
                "source",
            ];
            let cloud = selection.cloud().as_str();
            table::csv(header, rows.iter().map(|row| Row::new(cloud, row).cells()))
        }
    }
}

fn text(selection: &Selection, rows: &[Opening]) -> String {
    let mut table = Table::new(["ENDPOINT", "PORT", "GATEWAY", "GROUP", "PURPOSE", "WHEN"]);
    for row in rows {
        table.row([
            row.name.clone(),
            row.port.to_string(),
            row.carried.to_string(),
            row.feature.clone(),
            row.purpose.to_string(),
            row.when.to_string(),
        ]);
    }
    let date = selection.catalogue().date();
    let count = rows.len();
    let plural = if count == 1 { "endpoint" } else { "endpoints" };
    format!(
        "{table}\n{count} {plural}, {}, catalogue of {date}\n",
        selection.cloud()
    )
}

fn mentions(row: &Opening, word: &str) -> bool {
    [
        &*row.name,
        &row.purpose,
        &row.when,
        &row.group,
        &row.feature,
    ]
    .iter()
    .any(|text| text.to_lowercase().contains(word))
}

fn regions(selection: &Selection, format: ListFormat) -> String {
    let regions = selection.catalogue().regions().iter();
    let cells = |region: &narrows_endpoint::Region| {
        let code = |code: &Option<std::sync::Arc<str>>| code.as_deref().unwrap_or("").to_owned();
        [
            region.name.to_string(),
            region.display_name.to_string(),
            region.cloud.to_string(),
            region.geography.to_string(),
            code(&region.his_code),
            code(&region.gas_code),
        ]
    };
    let rows: Vec<_> = regions.map(cells).collect();
    let names = [
        "region",
        "name",
        "cloud",
        "geography",
        "his_code",
        "gas_code",
    ];
    write(
        names,
        ["REGION", "NAME", "CLOUD", "GEOGRAPHY", "HIS", "GAS"],
        &rows,
        format,
    )
}

fn features(format: ListFormat) -> String {
    let rows: Vec<_> = FEATURES
        .iter()
        .map(|feature| [feature.name.to_owned(), feature.about.to_owned()])
        .collect();
    write(["feature", "about"], ["FEATURE", "ABOUT"], &rows, format)
}

fn write<const N: usize>(
    names: [&str; N],
    header: [&'static str; N],
    rows: &[[String; N]],
    format: ListFormat,
) -> String {
    match format {
        ListFormat::Text => {
            let mut table = Table::new(header);
            rows.iter().cloned().for_each(|row| table.row(row));
            table.to_string()
        }
        ListFormat::Csv => table::csv(names, rows.iter().cloned()),
        ListFormat::Json => {
            let object = |row: &[String; N]| -> serde_json::Map<_, _> {
                let cells = names.iter().zip(row);
                cells
                    .map(|(name, cell)| ((*name).to_owned(), cell.clone().into()))
                    .collect()
            };
            json(&rows.iter().map(object).collect::<Vec<_>>())
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Texts and numbers always have a form.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

// === impl Row ===

impl<'a> Row<'a> {
    fn new(cloud: &'a str, row: &'a Opening) -> Self {
        Self {
            cloud,
            name: &row.name,
            port: row.port,
            transport: row.transport.as_str(),
            feature: &row.feature,
            group: &row.group,
            purpose: &row.purpose,
            when: &row.when,
            private_link: &row.private_link,
            carried_by_gateway: row.carried.as_str(),
            source: &row.source,
        }
    }

    fn cells(&self) -> [String; 11] {
        [
            self.cloud,
            self.name,
            &self.port.to_string(),
            self.transport,
            self.feature,
            self.group,
            self.purpose,
            self.when,
            self.private_link,
            self.carried_by_gateway,
            self.source,
        ]
        .map(str::to_owned)
    }
}
