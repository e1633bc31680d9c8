metadata description = 'The wiring of one region: which module gets what from which. Decides nothing that the region\'s file or the catalog says.'

import { regionType } from '../types.bicep'
import { deployments, feedHubs, rawHubs, rawHubNames, routing, settingNames } from '../catalog.bicep'
import { globalName, localName, storageName } from '../names.bicep'
import { registrationRemover } from '../roles.bicep'

param region regionType
param location string

var subscriptionId = subscription().subscriptionId
var rawName = globalName(region.code, 'raw', subscriptionId)
var feedName = globalName(region.code, 'feeds', subscriptionId)
var busName = globalName(region.code, 'queues', subscriptionId)
var databaseName = globalName(region.code, 'data', subscriptionId)
var databaseHost = '${databaseName}.postgres.database.azure.com'
var iotHubName = globalName(region.code, '', subscriptionId)
var iotHubHost = '${iotHubName}.azure-devices.net'
var provisioningName = globalName(region.code, 'provisioning', subscriptionId)
var isPrivate = region.network.kind == 'private'

// What a unit of the hub allows: direct methods a second (160 KB, 480 KB, 24 MB in 4 KB), and messages to devices a minute.
var perUnit = {
  S1: { methods: 40, messages: 100 }
  S2: { methods: 120, messages: 100 }
  S3: { methods: 6144, messages: 5000 }
}
var messageHundredths = perUnit[region.iotHub.tier].messages * region.iotHub.units * 100 / 60

var iotHubIdentity = localName(region.code, 'iot-hub')
var provisioningIdentity = localName(region.code, 'provisioning')
var captureIdentity = localName(region.code, 'capture')
var appIdentities = map(deployments, app => localName(region.code, app.name))

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [
  for name in concat([iotHubIdentity, provisioningIdentity, captureIdentity], appIdentities): {
    name: name
    location: location
  }
]

module monitoring 'monitoring.bicep' = {
  params: { code: region.code, location: location, settings: region.monitoring, senders: appIdentities }
  dependsOn: [identities]
}

module alerts 'alerts.bicep' = {
  params: {
    code: region.code
    location: location
    workspaceId: monitoring.outputs.workspaceId
    operatorsId: monitoring.outputs.operatorsId
  }
}

module workbooks 'workbooks.bicep' = {
  params: {
    code: region.code
    location: location
    workspaceId: monitoring.outputs.workspaceId
    partners: region.partners
    feedsId: feeds.outputs.namespaceId
  }
}

module budget 'budget.bicep' = {
  params: { code: region.code, settings: region.budget, operatorsId: monitoring.outputs.operatorsId }
}

module network 'network.bicep' = if (isPrivate) {
  params: { code: region.code, location: location, addresses: region.network.?addresses ?? '' }
}

var privateLink = isPrivate ? { subnetId: network!.outputs.endpointsSubnetId, zones: network!.outputs.zones } : null

module archive 'archive.bicep' = {
  params: {
    name: storageName(region.code, 'archive', subscriptionId)
    location: location
    settings: region.archive
    identityName: captureIdentity
    lock: region.lockData
    privateLink: privateLink
  }
  dependsOn: [identities]
}

resource captureWriter 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: captureIdentity }

module raw 'eventHubs.bicep' = {
  name: 'raw'
  params: {
    name: rawName
    location: location
    size: region.rawHubs
    hubs: rawHubs
    access: concat(
      map(rawHubNames, hub => { identity: iotHubIdentity, hub: hub, kind: 'send' }),
      flatten(map(
        deployments,
        app =>
          concat(
            map(
              filter(rawHubNames, hub => (contains(app.receives, 'raw') && hub != routing.connections) || contains(app.receives, hub)),
              hub => { identity: localName(region.code, app.name), hub: hub, kind: 'receive' }
            ),
            map(
              filter(rawHubNames, hub => (contains(app.sends, 'raw') && hub != routing.connections) || contains(app.sends, hub)),
              hub => { identity: localName(region.code, app.name), hub: hub, kind: 'send' }
            )
          )
      ))
    )
    capture: { storageAccountId: archive.outputs.storageAccountId, container: archive.outputs.container, identityId: captureWriter.id }
    privateLink: privateLink
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identities]
}

module feeds 'eventHubs.bicep' = {
  name: 'feeds'
  params: {
    name: feedName
    location: location
    size: region.feedHubs
    hubs: feedHubs
    access: flatten(map(
      deployments,
      app =>
        concat(
          map(filter(feedHubs, hub => contains(app.receives, 'feeds') || contains(app.receives, hub.name)), hub => {
            identity: localName(region.code, app.name)
            hub: hub.name
            kind: 'receive'
          }),
          map(filter(feedHubs, hub => contains(app.sends, 'feeds') || contains(app.sends, hub.name)), hub => {
            identity: localName(region.code, app.name)
            hub: hub.name
            kind: 'send'
          })
        )
    ))
    partners: region.partners
    privateLink: privateLink
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identities]
}

module iotHub 'iotHub.bicep' = {
  params: {
    name: iotHubName
    location: location
    size: region.iotHub
    routing: routing
    rawHost: '${rawName}.servicebus.windows.net'
    identityName: iotHubIdentity
    access: concat(
      [
        { identity: provisioningIdentity, role: 'iotHubRegistry' }
        { identity: provisioningIdentity, role: 'iotHubTwins' }
      ],
      flatten(map(deployments, app => map(app.iotHub, role => { identity: localName(region.code, app.name), role: role })))
    )
    lock: region.lockData
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [raw] // A route is tested against its hub when it is made.
}

module provisioning 'provisioning.bicep' = {
  params: {
    name: provisioningName
    location: location
    identityName: provisioningIdentity
    hubHost: iotHubHost
    access: map(filter(deployments, app => !empty(app.iotHub)), app => localName(region.code, app.name))
    removerRole: registrationRemover(subscriptionId, region.code)
    lock: region.lockData
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [iotHub]
}

module database 'postgres.bicep' = {
  params: {
    name: databaseName
    location: location
    settings: region.database
    zoneRedundant: region.zoneRedundant
    lock: region.lockData
    privateLink: privateLink
    workspaceId: monitoring.outputs.workspaceId
  }
}

var queues = flatten(map(
  deployments,
  app =>
    map(app.queues, queue => {
      name: queue.name
      sessions: queue.sessions
      receiver: localName(region.code, app.name)
      senders: map(filter(deployments, other => contains(other.rings, queue.name)), other => localName(region.code, other.name))
    })
))

module bus 'serviceBus.bicep' = if (!empty(queues)) {
  params: {
    name: busName
    location: location
    zoneRedundant: region.zoneRedundant
    queues: queues
    privateLink: privateLink
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identities]
}

module apps 'functionApp.bicep' = [
  for app in deployments: {
    name: 'app-${app.name}'
    params: {
      name: globalName(region.code, app.name, subscriptionId)
      location: location
      size: region.apps[app.folder]
      zoneRedundant: region.zoneRedundant
      identityName: localName(region.code, app.name)
      storageName: storageName(region.code, app.name, subscriptionId)
      settingNames: settingNames[app.folder]
      values: {
        Offering: app.offering
        RawHubs__fullyQualifiedNamespace: '${rawName}.servicebus.windows.net'
        FeedHubs__fullyQualifiedNamespace: '${feedName}.servicebus.windows.net'
        ServiceBus__fullyQualifiedNamespace: '${busName}.servicebus.windows.net'
        IotHub__hostName: iotHubHost
        ProvisioningService__hostName: '${provisioningName}.azure-devices-provisioning.net'
        Portal__region: region.code
        Portal__deviceHost: iotHubHost
        Commands__methodsPerSecond: string(perUnit[region.iotHub.tier].methods * region.iotHub.units)
        Commands__messagesPerSecond: '${messageHundredths / 100}.${padLeft(string(messageHundredths % 100), 2, '0')}'
        Postgres__HistoryKept: '${region.database.historyDays}.00:00:00'
        ConnectionStrings__Postgres: 'Host=${databaseHost};Database=pumps;Username=${localName(region.code, app.name)};SSL Mode=VerifyFull;Options=-c role=pumps_owner;Max Auto Prepare=50'
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      }
      lists: { Firmware__TrustedKeys: region.?firmwareKeys ?? [] }
      durable: app.durable
      appsSubnetId: isPrivate ? network!.outputs.appsSubnetId : null
      privateLink: privateLink
      workspaceId: monitoring.outputs.workspaceId
    }
    dependsOn: [identities]
  }
]

module site 'site.bicep' = {
  params: {
    name: localName(region.code, 'site')
    location: region.?siteLocation ?? location
    portalLocation: location
    portalName: globalName(region.code, 'portal', subscriptionId)
  }
  dependsOn: [apps]
}

@description('Which app of which folder runs under which name.')
output apps array = [
  for app in deployments: {
    folder: app.folder
    name: globalName(region.code, app.name, subscriptionId)
    role: localName(region.code, app.name)
  }
]
output database string = databaseHost
output databaseServer string = databaseName
output iotHub string = iotHubHost
output site string = site.outputs.name
output siteHost string = site.outputs.host

@description('The id by which queries name the workspace.')
output workspaceId string = monitoring.outputs.workspaceGuid
