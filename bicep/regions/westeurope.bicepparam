using '../main.bicep'

// plan: --devices 150000 --interval 120 --offering fire-protection --offering irrigation --offering water-mixing --partners 1 --peak 3 --zone-redundant
param region = {
  code: 'weu'
  location: 'westeurope'
  zoneRedundant: true
  network: { kind: 'private', addresses: '10.20.0.0/21' }
  iotHub: { tier: 'S3', units: 1, retentionDays: 7 }
  rawHubs: { throughputUnits: 2, throughputUnitsMax: 4 }
  feedHubs: { throughputUnits: 3, throughputUnitsMax: 7 }
  database: {
    sku: 'Standard_D4ds_v5'
    tier: 'GeneralPurpose'
    storageGB: 8192
    historyDays: 90
    backupDays: 35
    geoBackup: true
    administrators: { objectId: '00000000-0000-0000-0000-00000000000b', name: 'pumps-database-administrators-weu' }
  }
  archive: { redundancy: 'Standard_GZRS', coolAfterDays: 30, coldAfterDays: 90, deleteAfterDays: 730 }
  apps: {
    Decode: {
      memoryMB: 2048
      instancesMax: 40
      alwaysReady: {
        'function:DecodeTelemetryDp1': 2
        'function:DecodeTelemetryDp2': 2
        'function:DecodeEventDp1': 1
        'function:DecodeEventDp2': 1
      }
    }
    Datapoints: {
      memoryMB: 2048
      instancesMax: 40
      alwaysReady: { 'function:LatestTelemetry': 1, 'function:LatestEvents': 1 }
    }
    Devices: { memoryMB: 2048, instancesMax: 40, alwaysReady: { 'function:TakeResults': 1 } }
    Portal: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
  }
  partners: [
    {
      name: 'agronomy-lab'
      feeds: ['irrigation-telemetry', 'irrigation-events']
      issuer: 'https://login.agronomy-lab.example/'
      subject: 'feed-reader'
      addresses: ['198.51.100.0/24']
    }
  ]
  monitoring: { retentionDays: 90, dailyCapGB: -1, receivers: [{ name: 'operators', email: 'operators-weu@pumps.example' }] }
  budget: { amount: 12000, startDate: '2026-12-01' }
  lockData: true
}
