metadata description = 'Logs, metrics and traces of the region in one workspace, and the people who are told. Telemetry is taken from identities only.'

import { monitoringType } from '../types.bicep'
import { localName } from '../names.bicep'
import { roles } from '../roles.bicep'

param code string
param location string
param settings monitoringType

@description('Names of the identities whose apps send telemetry.')
param senders string[]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: localName(code, 'logs')
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: settings.retentionDays
    workspaceCapping: { dailyQuotaGb: settings.dailyCapGB }
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: localName(code, 'insights')
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for name in senders: { name: name }]

resource mayPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in senders: {
    scope: insights
    name: guid(insights.id, name, roles.metricsPublisher)
    properties: {
      principalId: identities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.metricsPublisher)
    }
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: localName(code, 'operators')
  location: 'global'
  properties: {
    groupShortName: take('pumps ${code}', 12)
    enabled: true
    emailReceivers: map(settings.receivers, receiver => {
      name: receiver.name
      emailAddress: receiver.email
      useCommonAlertSchema: true
    })
  }
}

output workspaceId string = workspace.id
output workspaceGuid string = workspace.properties.customerId
output insightsId string = insights.id

@description('Names a place and authorizes nobody: local authentication is off.')
output connectionString string = insights.properties.ConnectionString

@description('What alert rules and the budget call.')
output operatorsId string = operators.id
