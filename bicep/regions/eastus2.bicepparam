using '../main.bicep'

// plan: --devices 50000 --interval 120 --offering fire-protection --offering irrigation --offering water-mixing --peak 3 --zone-redundant --prices eastus2
param region = {
  code: 'eus2'
  location: 'eastus2'
  zoneRedundant: true
  network: { kind: 'private', addresses: '10.24.0.0/21' }
  iotHub: { tier: 'S3', units: 1, retentionDays: 7 }
  rawHubs: { throughputUnits: 1, throughputUnitsMax: 2 }
  feedHubs: { throughputUnits: 1, throughputUnitsMax: 2 }
  database: {
    sku: 'Standard_D2ds_v5'
    tier: 'GeneralPurpose'
    storageGB: 4096
    historyDays: 90
    backupDays: 35
    geoBackup: true
    administrators: { objectId: '00000000-0000-0000-0000-00000000000c', name: 'pumps-database-administrators-eus2' }
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
  partners: []
  monitoring: { retentionDays: 90, dailyCapGB: -1, receivers: [{ name: 'operators', email: 'operators-eus2@pumps.example' }] }
  budget: { amount: 7000, startDate: '2026-12-01' }
  lockData: true
}
