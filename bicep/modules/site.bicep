metadata description = 'The web site, with the Portal app as its API under /api: sign-in is the site\'s, and nobody reaches the API around it.'

param name string
param location string

@description('The function app that answers /api.')
param portalName string

resource portal 'Microsoft.Web/sites@2024-04-01' existing = { name: portalName }

resource site 'Microsoft.Web/staticSites@2024-04-01' = {
  name: name
  location: location
  sku: { name: 'Standard', tier: 'Standard' }
  properties: { stagingEnvironmentPolicy: 'Disabled', allowConfigFileUpdates: true }
}

resource api 'Microsoft.Web/staticSites/linkedBackends@2024-04-01' = {
  parent: site
  name: 'portal'
  properties: { backendResourceId: portal.id, region: location }
}
