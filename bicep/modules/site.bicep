metadata description = 'The web site, with the Portal app as its API under /api: sign-in is the site\'s, and nobody reaches the API around it.'

param name string
param location string

@description('The function app that answers /api.')
param portalName string
param portalLocation string

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
  properties: { backendResourceId: portal.id, region: portalLocation }
}

// The app believes the site's word for who asks, so it must hear nobody else. Linking says the same by itself; said here, a deployment puts
// back what was changed by hand. After the link, which refuses an app that trusts a site already. The code comes later still.
resource onlyTheSite 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: portal
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: { requireAuthentication: true, unauthenticatedClientAction: 'Return401' }
    httpSettings: { requireHttps: true }
    identityProviders: { azureStaticWebApps: { enabled: true, registration: { clientId: site.properties.defaultHostname } } }
  }
  dependsOn: [api]
}

output name string = site.name

@description('Where people find it.')
output host string = site.properties.defaultHostname
