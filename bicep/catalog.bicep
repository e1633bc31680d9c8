metadata description = 'What the catalog and the apps declare, computed once: hubs with their groups, and the deployments of each app. No resource.'

var routes = loadJsonContent('../shared/catalog/routes.json')
var declaredApps = loadJsonContent('apps.json')

@export()
@description('Ids of the offerings: one file each in shared/catalog/offerings.')
var offerings = map(loadDirectoryFileInfo('../shared/catalog/offerings', '*.json'), file => replace(file.baseName, file.extension, ''))

var connections = routes.raw.connections

@export()
@description('Names of the hubs that IoT Hub routes to: messages by route, then what no route matches, then who comes and goes.')
var rawHubNames = concat(union(map(routes.raw.routes, route => route.hub), [routes.raw.fallback]), [connections.hub])

var feeds = concat(
  flatten(map(
    offerings,
    offering =>
      map(routes.feeds.perOffering, feed => {
        name: replace(feed.hub, '{offering}', offering)
        consumerGroups: feed.consumerGroups
      })
  )),
  map(routes.feeds.shared, feed => { name: feed.hub, consumerGroups: feed.consumerGroups })
)

@export()
@description('Every hub of the raw namespace.')
var rawHubs = map(rawHubNames, name => {
  name: name
  partitions: routes.raw.partitions
  retentionHours: routes.raw.retentionHours
  consumerGroups: name == connections.hub ? connections.consumerGroups : routes.raw.consumerGroups
  captured: name != connections.hub && routes.raw.capture
})

@export()
@description('Every hub of the feed namespace.')
var feedHubs = map(feeds, feed => {
  name: feed.name
  partitions: routes.feeds.partitions
  retentionHours: routes.feeds.retentionHours
  consumerGroups: feed.consumerGroups
  captured: false
})

@export()
@description('IoT Hub routing: which hub takes which header type and protocol, and what it adds to each message.')
var routing = {
  routes: routes.raw.routes
  fallback: routes.raw.fallback
  connections: connections.hub
  enrichments: routes.enrichments
}

@export()
@description('Settings of each app: the names in its sample. FUNCTIONS_WORKER_RUNTIME is for a run on a developer\'s machine; in Azure the app\'s own configuration says it.')
var settingNames = mapValues(
  {
    Decode: loadJsonContent('../functions/Decode/sample.settings.json').Values
    Datapoints: loadJsonContent('../functions/Datapoints/sample.settings.json').Values
    Devices: loadJsonContent('../functions/Devices/sample.settings.json').Values
    Portal: loadJsonContent('../functions/Portal/sample.settings.json').Values
  },
  sample => filter(objectKeys(sample), name => name != 'FUNCTIONS_WORKER_RUNTIME')
)

@export()
@description('The apps as they are deployed: once, or once for each offering. receives and sends are hub names, or all messages of the namespace raw or feeds; queues are the app\'s own, rings those that it sends to; iotHub are its roles there.')
var deployments = flatten(map(
  items(declaredApps),
  app =>
    map(app.value.deployed == 'offering' ? offerings : [''], offering => {
      folder: app.key
      offering: offering
      name: toLower(empty(offering) ? app.key : '${app.key}-${offering}')
      receives: map(app.value.receives, hub => replace(hub, '{offering}', offering))
      sends: map(app.value.sends, hub => replace(hub, '{offering}', offering))
      queues: app.value.queues
      rings: app.value.rings
      iotHub: app.value.iotHub
      durable: app.value.durable
    })
))
