using '../main.bicep'

// The smallest region: for trying a change before any customer meets it. Its cost is in README.md.
// plan: --devices 1000 --interval 300 --offering fire-protection --offering irrigation --offering water-mixing --archive 7 30 60 --burstable
param region = {
  code: 'dev'
  location: 'westeurope'
  zoneRedundant: false
  network: { kind: 'public' }
  iotHub: { tier: 'S1', units: 1, retentionDays: 1 }
  rawHubs: { throughputUnits: 1, throughputUnitsMax: 1, partitions: 4 }
  feedHubs: { throughputUnits: 1, throughputUnitsMax: 1, partitions: 4 }
  database: {
    sku: 'Standard_B2s'
    tier: 'Burstable'
    storageGB: 32
    historyDays: 90
    backupDays: 7
    geoBackup: false
    administrators: { objectId: '00000000-0000-0000-0000-00000000000a', name: 'pumps-database-administrators-dev' }
  }
  archive: { redundancy: 'Standard_LRS', coolAfterDays: 7, coldAfterDays: 30, deleteAfterDays: 60 }
  apps: {
    Decode: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
    Datapoints: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
    Devices: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
    Portal: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
  }
  partners: []
  monitoring: { retentionDays: 30, dailyCapGB: 1, receivers: [{ name: 'operators', email: 'operators-dev@pumps.example' }] }
  budget: { amount: 400, startDate: '2026-12-01' }
  lockData: false
}
