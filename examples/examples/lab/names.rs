//! The names of the story.

/// Needed before a gateway is known; the enterprise lets them pass from the start.
pub(crate) const BOOTSTRAP: [&str; 3] = [
    "gbl.his.arc.azure.com",
    "management.azure.com",
    "login.microsoftonline.com",
];

/// What the agent and its extensions use besides, and the gateway carries.
pub(crate) const CARRIED: [&str; 18] = [
    "je.his.arc.azure.com",
    "agentserviceapi.guestconfiguration.azure.com",
    "japaneast-gas.guestconfiguration.azure.com",
    "oaasguestconfigwcuss1.blob.core.windows.net",
    "g2-prod-os-vr0001-sb.servicebus.windows.net",
    "telemetry.japaneast.arcdataservices.com",
    "dataprocessingservice.japaneast.arcdataservices.com",
    "global.handler.control.monitor.azure.com",
    "japaneast.handler.control.monitor.azure.com",
    "japaneast-1.ingest.monitor.azure.com",
    "guestnotificationservice.azure.com",
    "japaneast.guestnotificationservice.azure.com",
    "san-af-japaneast-prod.azurewebsites.net",
    "fe2.update.microsoft.com",
    "au.download.windowsupdate.com",
    "packages.microsoft.com",
    "download.microsoft.com",
    "aka.ms",
];
